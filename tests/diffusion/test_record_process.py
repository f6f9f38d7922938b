"""`diffrender record`: what others' programs sample with is recorded, and their programs are what they were."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

from diffrender.trajectory.reader import Trajectory

HEAD = """
    import atexit, os, signal, sys
    import torch
    torch.manual_seed(0)
    x = torch.randn(3, 2)

    def run(scheduler, x, steps=6, stop=None):
        scheduler.set_timesteps(steps)
        x = x * scheduler.init_noise_sigma
        for i, t in enumerate(scheduler.timesteps):
            if i == stop:
                return x
            x = scheduler.step(0.3 * scheduler.scale_model_input(x, t), t, x).prev_sample
        return x
"""
# a package of the shape of k-diffusion, its sampler by the formula of the paper (Karras et al. 2022, algorithm 2)
K_DIFFUSION = """
    import torch

    def sample_heun(model, x, sigmas, extra_args=None, callback=None, disable=None):
        ones = x.new_ones([len(x)])
        for i in range(len(sigmas) - 1):
            denoised = model(x, sigmas[i] * ones)
            if callback is not None:
                callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            slope, step = (x - denoised) / sigmas[i], sigmas[i + 1] - sigmas[i]
            if sigmas[i + 1] > 0:
                there = x + slope * step
                slope = (slope + (there - model(there, sigmas[i + 1] * ones)) / sigmas[i + 1]) / 2
            x = x + slope * step
        return x
"""
# a package of the shape of azula 0.11, DDIM by the formula of the paper (Song et al. 2021, eq. 12)
AZULA = """
    import torch

    class Denoiser(torch.nn.Module):
        def schedule(self, t):
            return torch.cos(t * 1.5), torch.sin(t * 1.5)

        def forward(self, x, t, **options):
            return type("Posterior", (), {"mean": 0.5 * x})()

    class Sampler:
        def __init__(self, denoiser, steps):
            self.denoiser, self.steps = denoiser, steps

        @property
        def timesteps(self):
            return torch.linspace(1.0, 0.0, self.steps + 1)

        def __call__(self, x, **options):
            for t, s in self.timesteps.unfold(0, 2, 1):
                x = self.step(x, t, s, **options)
            return x

    class DDIMSampler(Sampler):
        def step(self, x_t, t, s, **options):
            (alpha_s, sigma_s), (alpha_t, sigma_t) = self.denoiser.schedule(s), self.denoiser.schedule(t)
            mean = self.denoiser(x_t, t).mean
            return alpha_s * mean + sigma_s / sigma_t * (x_t - alpha_t * mean)

    class BufferedSampler(Sampler):
        def __call__(self, x, **options):
            for t, s in self.timesteps.unfold(0, 2, 1):
                (alpha_s, sigma_s), (alpha_t, sigma_t) = self.denoiser.schedule(s), self.denoiser.schedule(t)
                mean = self.denoiser(x, t).mean
                x = alpha_s * mean + sigma_s / sigma_t * (x - alpha_t * mean)
            return x
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def both(folder, script, *flags, environment=None):
    """The script alone, and recorded: stdout and exit code must be the same.

    Returns the second's stderr, its recordings, and stdout.
    """
    file = write(folder, "theirs.py", textwrap.dedent(HEAD) + textwrap.dedent(script))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    command = [sys.executable, "-m", "diffrender", "record", *flags, "--", sys.executable, str(file), "a word"]
    alone, recorded = (
        subprocess.run(words, cwd=folder, capture_output=True, env=environment, timeout=300)
        for words in ([sys.executable, str(file), "a word"], command)
    )
    assert recorded.stdout == alone.stdout
    code = alone.returncode if alone.returncode >= 0 else 128 - alone.returncode
    assert recorded.returncode == code, recorded.stderr.decode()
    files = sorted((folder / "outputs/theirs").glob("*.npz"))
    assert not list((folder / "outputs/theirs").glob(".*"))
    return recorded.stderr.decode(), [Trajectory.open(f) for f in files], alone.stdout


def test_two_schedulers_in_turns_twice_with_binary_output_and_a_failure(tmp_path):
    """All at once: nothing lost, nothing changed, and the traceback is theirs."""
    script = """
        from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler, VQDiffusionScheduler
        tokens = VQDiffusionScheduler(num_vec_classes=3)
        tokens.set_timesteps(2)
        tokens.step(torch.zeros(1, 2, 4), torch.tensor(1), torch.ones(1, 4, dtype=torch.long))
        a, b = DDIMScheduler(), EulerAncestralDiscreteScheduler()
        images = x[:, :, None, None].expand(3, 2, 4, 4).contiguous()
        a.set_timesteps(5)
        b.set_timesteps(5)
        p, q = images, images * b.init_noise_sigma
        for s, t in zip(a.timesteps, b.timesteps):
            p = a.step(0.3 * p, s, p).prev_sample
            q = b.step(0.3 * b.scale_model_input(q, t), t, q).prev_sample
        again = run(a, images)
        sys.stdout.buffer.write(torch.stack([p, q, again]).numpy().tobytes() + bytes(range(256)))
        sys.stdout.flush()
        half = run(a, images, stop=3)
        raise ValueError(sys.argv[1])
    """
    said, runs, written = both(tmp_path, script)
    assert "ValueError: a word" in said
    assert "not recorded: VQDiffusionScheduler" in said
    assert [r.file.name for r in runs] == [
        "01-DDIMScheduler.npz",
        "02-EulerAncestralDiscreteScheduler.npz",
        "03-DDIMScheduler.npz",
        "04-DDIMScheduler.npz",
    ]
    assert [r.steps for r in runs] == [5, 5, 6, 3]
    assert runs[3].meta["incomplete"] == "ValueError: a word"
    assert all("incomplete" not in r.meta for r in runs[:3])
    assert "incomplete" in said
    ends = np.frombuffer(written[:-256], np.float32).reshape(3, 3, 2, 4, 4)
    for run, end in zip(runs, ends, strict=False):
        assert np.array_equal(run.x[-1], end)
    assert runs[1].noise[0].any()
    assert np.array_equal(runs[3].x, runs[2].x[:4])


def test_a_program_that_is_killed_leaves_what_was_recorded(tmp_path):
    write(tmp_path, "k_diffusion/__init__.py", "from . import sampling")
    write(tmp_path, "k_diffusion/sampling.py", K_DIFFUSION)
    script = """
        from k_diffusion.sampling import sample_heun
        asked = 0

        def model(x, sigma):
            global asked
            asked += 1
            if asked == 18:  # in the fifth step of the second run
                print("half", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            return 0.5 * x

        sigmas = torch.cat([torch.logspace(1, -1, 5), torch.zeros(1)])
        for _ in range(2):
            sample_heun(model, 10 * x, sigmas)
    """
    said, (whole, half), _ = both(tmp_path, script, "--chains", "2", "--every", "2")
    assert (whole.steps, whole.chains) == (3, 2)
    assert half.steps >= 1
    assert np.array_equal(half.x, whole.x[: half.steps + 1])
    assert f"code {128 + signal.SIGKILL}" in half.meta["incomplete"]
    assert "incomplete" in said


def test_samplers_of_k_diffusion_and_azula_are_recorded(tmp_path):
    write(tmp_path, "k_diffusion/__init__.py", "from . import sampling")
    write(tmp_path, "k_diffusion/sampling.py", K_DIFFUSION)
    write(tmp_path, "azula/__init__.py", "")
    write(tmp_path, "azula/sample.py", AZULA)
    write(tmp_path, "theirs/sitecustomize.py", "import builtins; builtins.SITE = 'their own'")
    script = """
        import k_diffusion
        from azula.sample import BufferedSampler, DDIMSampler, Denoiser
        from k_diffusion.sampling import sample_heun
        sigmas = torch.cat([torch.logspace(1, -1, 5), torch.zeros(1)])
        seen = []
        k = sample_heun(lambda x, sigma: 0.5 * x, 10 * x, sigmas, callback=lambda info: seen.append(int(info["i"])))
        sampler = DDIMSampler(Denoiser(), 4)
        a, b = sampler(x), BufferedSampler(Denoiser(), 4)(x)
        print(k.tolist(), a.tolist(), b.tolist(), seen, SITE, sorted(vars(sampler)), os.path.basename(sys.argv[0]))
    """
    place = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "theirs"), os.environ.get("PYTHONPATH", "")])}
    said, runs, _ = both(tmp_path, script, environment=place)
    assert [r.file.name[3:-4] for r in runs] == ["sample_heun", "DDIMSampler", "BufferedSampler"]
    heun, ddim, buffered = runs
    assert heun.nfe.tolist() == [0, 2, 4, 6, 8, 9]
    np.testing.assert_allclose(heun.sigma, [*np.logspace(1, -1, 5), 0], rtol=1e-6)
    assert np.array_equal(heun.x0, 0.5 * heun.x[:-1])
    assert np.array_equal(ddim.x, buffered.x)
    assert ddim.nfe.tolist() == buffered.nfe.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(ddim.sigma, np.sin(1.5 * np.linspace(1, 0, 5)), atol=1e-6)
    assert np.array_equal(ddim.x0, 0.5 * ddim.x[:-1])
    assert said.count("recorded") == 3


def test_only_what_is_named_is_recorded_and_nothing_met_is_said(tmp_path):
    write(tmp_path, "azula/__init__.py", "")
    write(tmp_path, "azula/sample.py", AZULA)
    script = """
        from azula.sample import DDIMSampler, Denoiser
        print(DDIMSampler(Denoiser(), 4)(x).tolist())
        sys.exit(7)
    """
    said, runs, _ = both(tmp_path, script, "--only", "euler")
    assert runs == []
    assert "Nothing was recorded" in said
    assert "docs/your-model.md" in said, "of a loop of its own: how that is recorded"


def test_a_program_that_is_not_there_is_refused(tmp_path):
    command = [sys.executable, "-m", "diffrender", "record", "--", "no-such-program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no-such-program" in done.stderr
    assert not list(tmp_path.iterdir())
