"""The commands, run as a user runs them: in a folder of one's own, the first of them in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from diffrender.cli.commands.list_ import ABOUT
from tests import one_process

TINY = """\
title: Tiny
target: {kind: gaussians}
training: {steps: 40, batch_size: 64, data_size: 500, snapshots: 3, snapshot_chains: 20, snapshot_steps: 4}
sampler: {kind: ddim, steps: 5, chains: 30}
record: {target_points: 50, grid: [6, 4]}
"""
HEUN = ["--sampler", "heun", "--steps", "3"]
SMALL = ["-r", "160,90", "--fps", "4", "-O", "duration=1"]


def run(*args, cwd, check=None, own_process=False, **env):
    """Run `diffrender args…`; `check` is the exit code that must come."""
    if own_process:
        done = subprocess.run(
            [sys.executable, "-m", "diffrender", *map(str, args)],
            cwd=cwd, capture_output=True, text=True, timeout=300, env=os.environ | {"COLUMNS": "100"} | env,
        )  # fmt: skip
    else:
        done = one_process.run(*args, cwd=cwd, **env)
    assert "Traceback" not in done.stderr, done.stderr
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder, with a config, a trained model and a recording."""
    folder = tmp_path_factory.mktemp("lecture")
    (folder / "tiny.yaml").write_text(TINY)
    run("sample", "tiny.yaml", cwd=folder, check=0, own_process=True)
    return folder


def test_train_sample_render_each_reuse_what_is_there(folder):
    weights = folder / "outputs/tiny/model.safetensors"
    before = weights.stat().st_mtime_ns
    assert run("train", "tiny.yaml", cwd=folder, check=0).stdout.strip() == "outputs/tiny/model.safetensors"
    first = run("render", "denoise", "-c", "tiny.yaml", *SMALL, "--json", cwd=folder, check=0, own_process=True)
    told = json.loads(first.stdout)
    assert not told["reused"]
    assert told["path"] == "outputs/tiny/denoise.mp4"
    about = json.loads(run("inspect", told["path"], "--json", cwd=folder, check=0).stdout)
    assert [name for _, name in about["acts"]] == ["", "run", "result"]
    assert about["acts"][1][0] == 4, "the first picture stands a second"
    assert len(about["equations"]) == 1
    assert "{{" not in about["equations"][0]
    again = json.loads(run("render", "denoise", "-c", "tiny.yaml", *SMALL, "--json", cwd=folder, check=0).stdout)
    assert again["reused"]
    assert again["key"] == told["key"]
    assert weights.stat().st_mtime_ns == before
    with av.open(str(folder / told["path"])) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (160, 90, 4)
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = sum(1 for _ in video.decode(stream))
        assert frames == told["figures"]["frames"]
        assert told["figures"]["film_seconds"] == pytest.approx(frames / 4)
        assert f", {frames / 4:.1f} s of film" in first.stderr
        assert f", {frames / 4 + 1:.1f} s of film" not in first.stderr


def test_another_seed_of_the_chains_gives_another_recording_of_the_same_model(folder):
    one = run("sample", "tiny.yaml", "--seed", 1, cwd=folder, check=0).stdout.strip()
    two = run("sample", "tiny.yaml", "--seed", 2, "--out", "two.npz", cwd=folder, check=0).stdout.strip()
    assert os.path.dirname(one) == "outputs/tiny"
    with np.load(folder / one) as a, np.load(folder / two) as b:
        assert a["x"].shape == b["x"].shape == (6, 30, 2)
        assert not np.array_equal(a["x"], b["x"])


@pytest.mark.parametrize(
    ("args", "name", "alpha"),
    [
        (["--format", "gif"], "denoise.gif", False),
        (["-t"], "denoise.mov", True),
        (["-t", "--format", "webm"], "denoise.webm", True),
        (["-s"], "denoise.png", False),
        (["--contact-sheet"], "denoise-sheet.png", False),
        (["-s", "-t", "-o", "clear.png"], "clear.png", True),
    ],
)
def test_every_format_carries_its_provenance_and_inspect_explains_it(folder, args, name, alpha):
    shown = run("render", "denoise", "-c", "tiny.yaml", *SMALL, *args, cwd=folder, check=0).stdout.strip()
    assert os.path.basename(shown) == name
    found = json.loads(run("inspect", shown, "--json", cwd=folder, check=0).stdout)
    assert found["scene"] == "denoise:Denoise"
    assert len(found["key"]) == 64
    if name.endswith(".png"):
        with Image.open(folder / shown) as image:
            assert (image.mode == "RGBA" and image.getextrema()[3][0] == 0) == alpha
            assert np.ptp(np.asarray(image.convert("L")).astype(int)) > 100, (
                "the finished picture, not the fade after it"
            )
    elif name.endswith(".gif"):
        with Image.open(folder / shown) as image:
            assert image.info["loop"] == 0
            assert image.n_frames > 4


def test_inspect_explains_recordings_and_weights(folder):
    found = json.loads(run("inspect", "outputs/tiny/ddim.npz", "--json", cwd=folder, check=0).stdout)
    assert (found["steps"], found["chains"], found["config"]["title"]) == (5, 30, "Tiny")
    assert found["arrays"]["x"] == "(6, 30, 2) float32"
    text = run("inspect", "outputs/tiny/model.safetensors", cwd=folder, check=0).stdout
    assert "weights of a network" in text
    assert "gaussians" in text


def test_list_and_doctor(folder):
    listed = json.loads(run("list", "--json", cwd=folder, check=0).stdout)
    assert {"langevin", "denoise", "drift", "training"} <= {row["name"] for row in listed["scenes"]}
    assert {"ddpm", "ula", "unipc"} <= {row["name"] for row in listed["samplers"]}
    assert {row["name"] for row in listed["themes"]} == {"dark", "light"}
    assert run("doctor", cwd=folder, check=0).stdout.count("✓") >= 7


def test_list_alone_is_one_screen_and_loads_no_torch(tmp_path):
    code = (
        "import sys; sys.argv[1:] = ['list']\nfrom diffrender.cli.app import main\n"
        "try: main()\nfinally: print(sys.modules.keys() & {'torch', 'numba', 'manim'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    *lines, loaded = done.stdout.splitlines()
    assert loaded == "set()"
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    known = json.loads(run("list", "--json", cwd=tmp_path, check=0).stdout)
    for name, text in ABOUT.items():
        named = {word.strip(",…") for word in text.rpartition(": ")[2].split()} - {""}
        there = {n for row in known[name] for n in (row["name"], *row.get("also", ()))}
        assert named <= there, name
    assert not {"two_moons"} <= {row["name"] for row in known["densities"]}, "the control: not every name is there"


def test_a_scene_in_full_is_as_long_as_its_options_not_its_words(tmp_path):
    said = run("list", "scenes", "langevin", cwd=tmp_path, check=0).stdout
    assert "histogram_seconds" in said
    assert "taken_apart" in said
    assert "default Without noise: straight up" not in said
    assert said.count("words on screen") == 1
    assert len(said.splitlines()) < 75


def test_options_of_the_scene_before_them_are_completed():
    program = "import sys; sys.argv[0] = 'diffrender'; from diffrender.cli.app import main; main()"

    def completed(line):
        asked = {"_DIFFRENDER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return subprocess.check_output([sys.executable, "-c", program], env=os.environ | asked, text=True).split()

    assert completed("diffrender render -q l denoise -O slow") == ["slow_steps=2"]
    assert completed("diffrender watch denoise -O sub") == ["subtitle="], "words are the user's to type"
    assert completed("diffrender render mesh -O slow") == []
    assert completed("diffrender sample spiral --sampler dpmpp_2m") == ["dpmpp_2m", "dpmpp_2m_sde"]


def test_every_sampler_of_the_registry_is_completed():
    from diffrender.cli.completion import complete_samplers
    from diffrender.diffusion.samplers.catalogue import SAMPLERS

    assert complete_samplers("") == sorted(entry.name for entry in SAMPLERS if entry.info["kind"] != "forward")


def test_sample_says_how_its_recording_is_drawn(folder):
    """And that line works as it is."""
    done = run("sample", "tiny.yaml", "--sampler", "heun", cwd=folder, check=0)
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("Draw it:")]
    words = line.removeprefix("Draw it:  diffrender ").split()
    assert words[:2] == ["render", "denoise"]
    assert words[2] == done.stdout.strip()
    run(*words, *SMALL, "--dry-run", cwd=folder, check=0)
    run("sample", "tiny.yaml", cwd=folder, check=0)  # the last, for the other tests
    other = run("sample", "tiny.yaml", "--sampler", "ula", "-o", "chains.npz", cwd=folder, check=0)
    assert "Draw it" not in other.stderr, "the scene of chains wants more than one recording"


def test_render_draws_what_was_sampled_last_unless_told_otherwise(folder):
    def says_so(*asked, scene="denoise"):
        done = run("render", scene, "-c", "tiny.yaml", "--dry-run", *asked, cwd=folder, check=0)
        return "Drawn as last sampled: outputs/tiny/heun-" in done.stderr

    assert not says_so()
    made = run("sample", "tiny.yaml", *HEUN, cwd=folder, check=0).stdout.strip()
    assert says_so()
    run("render", "denoise", "-c", "tiny.yaml", "-s", "-r", "160,90", cwd=folder, check=0)
    drawn, recorded = (
        json.loads(run("inspect", file, "--json", cwd=folder, check=0).stdout)
        for file in ("outputs/tiny/denoise.png", made)
    )
    assert drawn["upstream"]["run"] == recorded["key"]
    assert not says_so("--steps", "5"), "something is asked for"
    assert not says_so(scene="race"), "it shows several"
    (folder / made).unlink()
    assert not says_so(), "it is there no more"
    run("sample", "tiny.yaml", *HEUN, cwd=folder, check=0)
    run("sample", "tiny.yaml", cwd=folder, check=0)
    assert not says_so(), "the config's own was sampled after it"


@pytest.mark.parametrize(
    ("word", "said"), [("sample", "a recording begins anew"), ("train", "the same command goes on from there")]
)
def test_an_interrupted_recording_says_that_it_begins_anew(folder, word, said):
    program = f"""
import sys
from diffrender.cli.app import main
from diffrender.jobs import make
def interrupted(*args): raise KeyboardInterrupt
make.bring_up_to_date = interrupted
sys.argv = ["diffrender", {word!r}, "tiny.yaml"]
main()"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == -signal.SIGINT
    assert said in done.stderr


def test_what_new_writes_works(folder):
    scene = run("new", "scene", "walk", cwd=folder, check=0).stdout.strip()
    config = run("new", "config", "points", cwd=folder, check=0).stdout.strip()
    lecture = run("new", "lecture", "talk", cwd=folder, check=0).stdout.strip()
    refused = run("new", "scene", "walk", cwd=folder, check=1)
    assert "is there already" in refused.stderr
    small = ["-r", "160,90", "--fps", "2", "--set", "sampler.steps=4", "--set", "model.kind=exact"]
    made = run("render", scene, "-c", config, *small, cwd=folder, check=0).stdout.strip()
    assert (folder / made).stat().st_size > 1000
    assert "langevin" in run("batch", lecture, "--dry-run", cwd=folder, check=0).stdout


def test_a_recording_made_elsewhere_is_drawn(folder):
    x = np.random.default_rng(0).normal(size=(4, 10, 2)).astype(np.float32)
    meta = json.dumps({"schema_version": 1, "kind": "reverse"})
    ramp = np.array([1.0, 0.7, 0.3, 0.0])
    np.savez(folder / "mine.npz", x=x, time=ramp, alpha=np.sqrt(1 - ramp**2), sigma=ramp, meta=np.array(meta))
    run("render", "denoise", "--trajectory", "mine.npz", *SMALL, "-o", "mine.gif", cwd=folder, check=0)
    assert (folder / "mine.gif").is_file()


@pytest.mark.slow
def test_ctrl_c_while_training_keeps_a_state_to_resume_from(folder):
    long = ["train", "tiny.yaml", "--set", "training.steps=4000"]
    straight = run(*long, "--outputs", "straight", cwd=folder, check=0, own_process=True).stdout.strip()
    process = subprocess.Popen(
        [sys.executable, "-m", "diffrender", *long],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # its own process group: wait until the job itself has begun, which the trained weights' folder shows
    deadline = time.monotonic() + 60
    while not list((folder / "outputs").glob("tiny-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode in (-signal.SIGINT, 0), said
    resumed = run(*long, "--resume", cwd=folder, check=0, own_process=True).stdout.strip()
    one, other = (load_file(folder / weights) for weights in (straight, resumed))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_dry_run_names_each_job_and_makes_nothing(tmp_path):
    said = run("render", "memory", "--dry-run", cwd=tmp_path, check=0).stdout.splitlines()
    names = [line.split("  ")[0].strip() for line in said]
    assert names[0] == "sample photographs (far)"
    assert names[-1] == "render memory"
    assert len(set(names)) == len(names) > 3, "each by a name of its own"
    assert list(tmp_path.iterdir()) == []
    assert "train tiny" in run("train", "tiny.yaml", "--dry-run", cwd=written(tmp_path), check=0).stdout


def written(folder):
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def test_a_folder_is_made_when_that_is_asked_for(folder):
    run("sample", "tiny.yaml", "-o", "made/first/x.npz", "--parents", cwd=folder, check=0)
    assert (folder / "made/first/x.npz").is_file()


WRONG = [
    (["render", "denoize"], 2, "Did you mean 'denoise'?"),
    (["render", "denoise", "-c", "spirl"], 2, "Did you mean 'spiral'?"),
    (["sample", "tiny.yaml", "--sampler", "dmpp"], 2, "Unknown sampler 'dmpp'"),
    (["sample", "tiny.yaml", "--steps", "-3"], 2, "With --steps -3: sampler.steps: must be at least 1"),
    (["sample", "tiny.yaml", "--set", "sampler.steps=0"], 2, "With --set sampler.steps=0"),
    (["sample", "tiny.yaml", "--sampler", "dpmp"], 2, "Did you mean 'dpmpp_2m' or 'dpmpp_2m_sde' or 'dpmpp_2s'?"),
    (["render", "denoise", "none.npz"], 2, "none.npz: no such recording"),
    (["train", "tiny.yaml", "--set", "training.stesp=3"], 2, "Did you mean 'steps'?"),
    (["train", "tiny.yaml", "--set", "training.steps=lots"], 2, "training.steps"),
    (["train", "tiny.yaml", "--set", "target.sides=lots"], 2, "target.sides"),
    (["train", "tiny.yaml", "--device", "tpu"], 2, "--device tpu"),
    (["train", "tiny.yaml", "--set", "model.kind=exact"], 2, "nothing to train"),
    (["render", "denoise", "-c", "tiny.yaml", "-o", "x.avi"], 2, "'.avi' is not a format"),
    (["render", "denoise", "-c", "tiny.yaml", "-q", "z"], 2, "--quality z"),
    (["render", "denoise", "-c", "tiny.yaml", "-O", "duraton=3"], 2, "Did you mean 'duration'?"),
    (["render", "denoise", "-c", "tiny.yaml", "-o", "/proc/nowhere/x.mp4", "--parents"], 1, "/proc/nowhere"),
    (["render", "denoise", "-c", "tiny.yaml", "-o", "films/x.mp4"], 2, "no folder films.\nAdd --parents to make it"),
    (["sample", "tiny.yaml", "-o", "runs/x.npz"], 2, "--out runs/x.npz: there is no folder runs."),
    (["render", "langevin.py"], 2, "is called by its name: diffrender render langevin"),
    (["render", "mesh", "-c", "donut", "--dry-run"], 2, "the scene shows plane alone"),
    (["render", "denoise", "-c", "tiny.yaml", "--codec", "h265_magic", *SMALL], 2, "h265_magic"),
    (["render", "denoise", "-c", "tiny.yaml", "-s", "-o", "x.mp4"], 2, "--save_last_frame writes one PNG"),
    (["render", "denoise", "-c", "tiny.yaml", "-S", "ula"], 2, "ula makes a langevin run"),
    (["render", "langevin", "-S", "ddpm"], 2, "the scene 'langevin' cannot show its recording as 'chain'"),
    (["new", "scene", "my walk"], 2, "'My walk'"),
    (["inspect", "nothing.npz"], 2, "no such file"),
    (["nonsense"], 2, "nonsense"),
    (["render"], 2, "SCENE"),
]


@pytest.mark.parametrize(
    ("args", "code", "said"), WRONG, ids=lambda v: " ".join(v)[:40] if isinstance(v, list) else None
)
def test_what_is_wrong_is_said_in_a_line_or_two(folder, args, code, said):
    done = run(*args, cwd=folder, check=code)
    assert said in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) <= 8


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["-O", "duration=soon"], 2, "duration: a number is needed"),
        (["-O", "duration=-1"], 2, "duration: must be above 0"),
        (["--codec", "h265_magic"], 2, "h265_magic"),
        (["--codec", "h264_amf"], 1, "h264_amf does not open here"),
    ],
)
def test_what_can_be_known_before_is_not_found_out_after_training(tmp_path, args, code, said):
    (tmp_path / "mine.yaml").write_text(TINY)
    assert said in run("render", "denoise", "-c", "mine.yaml", *args, cwd=tmp_path, check=code).stderr
    assert not (tmp_path / "outputs/mine/model.safetensors").exists()


def broken(how):
    """Bytes of a recording that is wrong in one way."""
    import io
    import zipfile

    x = np.zeros((3, 4, 2), np.float32)
    ramp = np.array([1.0, 0.5, 0.0])
    members = {"x": x, "time": ramp, "alpha": 1 - ramp, "sigma": ramp}
    meta = {"schema_version": 1, "kind": "reverse"}
    if how == "missing":
        del members["x"]
    if how == "kind":
        meta["kind"] = "training"
    if how == "nan":
        members["x"] = x + np.nan
    if how == "pickle":
        members["x"] = np.array([{"a": 1}], dtype=object)
    file = io.BytesIO()
    np.savez(file, **members, meta=np.array(json.dumps(meta)))
    if how == "truncated":
        return file.getvalue()[:-400]
    if how == "terabytes":
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 4, 2)})
        with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
            archive.writestr("x.npy", header.getvalue() + bytes(64))
            for name, value in {**members, "meta": np.array(json.dumps(meta))}.items():
                if name != "x":
                    np.lib.format.write_array(part := io.BytesIO(), np.asarray(value))
                    archive.writestr(f"{name}.npy", part.getvalue())
    return file.getvalue()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "'x'"),
        ("kind", "'loss'"),
        ("nan", "'x'"),
        ("pickle", "pickle"),
        ("truncated", "truncated"),
        ("terabytes", "claims shape"),
    ],
)
def test_a_broken_recording_is_named_and_nothing_is_written(folder, how, said):
    (folder / "bad.npz").write_bytes(broken(how))
    done = run("render", "denoise", "-T", "bad.npz", *SMALL, "-o", "bad.mp4", cwd=folder, check=1)
    assert "bad.npz" in done.stderr
    assert said in done.stderr
    assert not (folder / "bad.mp4").exists()


def test_an_earlier_video_stays_when_a_render_fails(folder):
    out = folder / "kept.mp4"
    run("render", "denoise", "-c", "tiny.yaml", *SMALL, "-o", out, cwd=folder, check=0)
    before = out.read_bytes()
    (folder / "bad.npz").write_bytes(broken("nan"))
    run("render", "denoise", "-T", "bad.npz", *SMALL, "-o", out, cwd=folder, check=1)
    assert out.read_bytes() == before


def test_without_ffmpeg_a_gif_says_what_to_install(folder):
    empty = folder / "empty"
    empty.mkdir()
    args = ["render", "denoise", "-c", "tiny.yaml", *SMALL, "-o", "none.gif"]
    done = run(*args, cwd=folder, check=1, own_process=True, PATH=str(empty), IMAGEIO_FFMPEG_EXE=str(empty / "ffmpeg"))
    assert "ffmpeg" in done.stderr
    assert not (folder / "none.gif").exists()


def test_a_recording_is_drawn_by_its_path_and_a_cut_off_one_is_told(folder):
    whole = folder / "outputs/tiny/ddim.npz"
    with np.load(whole) as archive:
        members = dict(archive)
    meta = json.loads(str(members["meta"])) | {"incomplete": "RuntimeError: out of memory"}
    np.savez(folder / "cut.npz", **members | {"meta": np.array(json.dumps(meta))})
    still = [*SMALL, "--still", "0.5", "-o"]
    told = run("render", "denoise", "cut.npz", *still, "cut.png", cwd=folder, check=0)
    assert "cut.npz is incomplete: its run was cut off (RuntimeError: out of memory)." in told.stderr
    assert "incomplete" not in run("render", "denoise", str(whole), *still, "whole.png", cwd=folder, check=0).stderr
    assert (folder / "cut.png").read_bytes()
    assert "--config dino" in run("render", "denoise", "dino", cwd=folder, check=2).stderr
