"""Jobs on a Dask cluster: a real scheduler without diffrender, and workers in processes and folders of their own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.jobs.cluster import bundle, connection, dask as dask_cluster
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import Task
from diffrender.jobs.plan.clip import render_job
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run import local
from diffrender.jobs.run.local import Interrupt
from diffrender.video.spec import RenderSpec

from .toy_clip import toy

pytest.importorskip("distributed")
TOYS = Path(__file__).parents[1] / "toys"


class Machines:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder, *arguments):
        self.folder, self.processes = folder, []
        self.log = (folder / "log").open("w")
        file = folder / "scheduler.json"
        self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), *arguments, preload="none"
        )
        self.address = ""
        while not self.address:
            time.sleep(0.1)
            if file.exists() and file.read_text():
                self.address = json.loads(file.read_text())["address"]

    def start(self, what, *arguments, preload, path=None):
        environment = {
            **os.environ,
            "TOY_WORKER": str(TOYS / "worker.py"),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            **({"PYTHONPATH": str(path)} if path else {}),
        }
        file = TOYS / (f"preload_{preload}.py" if preload else "preload.py")
        command = [sys.executable, "-m", "dask", what, *arguments, "--no-dashboard", "--preload", str(file)]
        process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log, cwd=self.folder)
        self.processes.append(process)
        return process

    def worker(self, name, *arguments, preload="", path=None):
        """Start a worker with a folder of its own. path: where its diffrender lies, if not here."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        place = ("--local-directory", str(folder), "--name", name, "--no-nanny", "--nthreads", "1")
        return self.start("worker", self.address, *place, *arguments, preload=preload, path=path)

    def wait(self, done, workers):
        """Wait until so many workers are there."""
        deadline = time.monotonic() + 60
        while len(done.connection.workers()) != workers:
            assert time.monotonic() < deadline, Path(self.log.name).read_text()[-3000:]
            time.sleep(0.1)

    def end(self, *processes):
        for process in processes or self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    made = Machines(tmp_path_factory.mktemp("machines"))
    yield made
    made.end()
    made.log.close()


@pytest.fixture
def dask(machines):
    """The cluster as jobs see it, and what it said."""
    said = []
    with dask_cluster.DaskCluster(machines.address, said.append) as made:
        made.said = said
        yield made


@pytest.fixture
def one(machines, dask):
    """One worker that is there during the test."""
    process = machines.worker("one")
    machines.wait(dask, 1)
    yield process
    machines.end(process)
    machines.wait(dask, 0)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def toys_running():
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(TOYS / "worker.py") in line]


def test_clips_come_back_as_they_are_made_here(tmp_path, dask, one, machines, toy_worker):
    jobs = [toy(tmp_path, "a", seconds=0.5), toy(tmp_path, "b", frames=3), toy(tmp_path, "bad", fail="No.")]
    events = []
    outcomes = local.run(
        jobs, cluster=dask, fail_fast=False, logs=tmp_path / "logs", on_event=lambda j, e: events.append((j.name, e))
    )
    assert [o.status for o in outcomes] == ["done", "done", "failed"]
    assert str(outcomes[2].error) == "bad cannot be drawn.\nNo."
    assert "drawing bad" in outcomes[2].log.read_text()
    assert outcomes[1].figures == {"frames": 3}
    assert any(name == "a" and e["event"] == "progress" for name, e in events)
    there = [job.out.read_bytes() for job in jobs[:2]]
    local.run(jobs[:2])
    assert [job.out.read_bytes() for job in jobs[:2]] == there
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mp4"]
    assert not list((machines.folder / "one").glob("**/diffrender-*")), "nothing is left on the worker"


def test_a_worker_killed_in_mid_job_loses_nothing(tmp_path, dask, one, machines):
    job = toy(tmp_path, "long", seconds=2)
    begun, outcomes = threading.Event(), []
    running = threading.Thread(
        target=lambda: outcomes.extend(
            local.run([job], cluster=dask, on_event=lambda j, e: e["event"] == "progress" and begun.set())
        )
    )
    running.start()
    assert begun.wait(30)
    one.kill()
    one.wait()
    assert not job.out.exists()
    other = machines.worker("other")
    running.join(60)
    assert [o.status for o in outcomes] == ["done"]
    assert job.out.is_file()
    deadline = time.monotonic() + 25
    while toys_running() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert toys_running() == [], "the process of the killed worker's job ends too"
    machines.end(other)
    machines.wait(dask, 0)


def test_a_scheduler_that_comes_back_finds_its_jobs_again(tmp_path, toy_worker, capfd, monkeypatch):
    """Its jobs begin anew, and their progress is heard; one that stays away is given up with a word."""
    begun, progress, said, outcomes = threading.Event(), [], [], []

    def hear(job, event):
        if event["event"] == "progress":
            progress.append(len(said))
            begun.set()

    job = toy(tmp_path, "long", seconds=1.5)
    machines = Machines(tmp_path, "--port", str(free_port()))
    try:
        machines.worker("one")
        with dask_cluster.DaskCluster(machines.address, said.append) as dask:
            machines.wait(dask, 1)
            running = threading.Thread(target=lambda: outcomes.extend(local.run([job], cluster=dask, on_event=hear)))
            running.start()
            assert begun.wait(30)
            machines.end()
            again = Machines(tmp_path, "--port", machines.address.rpartition(":")[2])
            assert not job.out.exists()
            again.worker("two")
            running.join(60)
            assert [o.status for o in outcomes] == ["done"]
            assert job.out.is_file()
            assert 1 in progress, "progress is heard after the scheduler came back"
            assert said[0] == f"The scheduler at {machines.address} is gone; waiting for it to come back."
            again.end()
            monkeypatch.setattr(connection, "RETURN_SECONDS", 0.5)
            with pytest.raises(DiffrenderError, match=r"did not come back in 0\.5 s"):
                local.run([toy(tmp_path, "other")], cluster=dask)
    finally:
        machines.end()
        machines.log.close()
    assert "Traceback" not in capfd.readouterr().err


def test_a_job_that_dies_is_tried_again_and_takes_no_worker_with_it(tmp_path, dask, one):
    events = []
    job = toy(tmp_path, "mortal", die=str(tmp_path / "died"))
    (outcome,) = local.run([job], cluster=dask, on_event=lambda j, e: events.append(e["event"]))
    assert outcome.status == "done"
    assert "retry" in events
    assert one.poll() is None


def test_a_worker_that_cannot_even_begin_says_why(tmp_path, dask, one, machines):
    for folder in (machines.folder / "one").glob("dask-scratch-space/worker-*"):
        if folder.is_dir():
            folder.rename(folder.with_name("gone"))
    (outcome,) = local.run([toy(tmp_path, "a")], cluster=dask, fail_fast=False, logs=tmp_path / "logs")
    assert "a failed on tcp://127.0.0.1" in outcome.error.problem
    assert "FileNotFoundError" in outcome.error.problem
    assert "Traceback" in outcome.log.read_text()


def test_an_interrupt_ends_the_job_on_the_other_machine(tmp_path, dask, one):
    job, interrupt, raised = toy(tmp_path, "long", seconds=60), Interrupt(), []
    begun = threading.Event()

    def do():
        try:
            dask.do(job, lambda j, e: begun.set(), interrupt, None)
        except KeyboardInterrupt:
            raised.append(True)

    thread = threading.Thread(target=do)
    thread.start()
    assert begun.wait(30)
    interrupt()
    thread.join(30)
    assert raised == [True]
    deadline = time.monotonic() + 15
    while toys_running() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert toys_running() == []


def test_machines_with_another_diffrender_or_none_are_refused_and_said(tmp_path, dask, machines, monkeypatch):
    strangers = [machines.worker(name, preload=name) for name in ("old", "none", "edited")]
    machines.wait(dask, 3)
    with pytest.raises(DiffrenderError) as caught:
        local.run([toy(tmp_path, "a"), toy(tmp_path, "b")], cluster=dask, workers=1)
    said = "\n".join([*dask.said, str(caught.value)])
    assert "it has diffrender 0.0.9, and not" in said
    assert "it has code 000000000000, and not" in said
    assert "No module named 'diffrender" in said
    assert "Install the same diffrender on all machines." in said
    good = machines.worker("good")
    machines.wait(dask, 4)
    outcomes = local.run([toy(tmp_path, "a"), toy(tmp_path, "b")], cluster=dask)
    assert [o.status for o in outcomes] == ["done", "done"]
    machines.end(*strangers, good)
    machines.wait(dask, 0)


def test_waiting_for_workers_is_not_silent_and_training_goes_to_a_gpu(tmp_path, dask, machines, monkeypatch):
    monkeypatch.setattr(connection, "LONELY_SECONDS", 1.0)
    (tmp_path / "points.csv").write_text("0,0\n1,1\n")
    (tmp_path / "mine.yaml").write_text("target: {kind: drawing, file: points.csv}\n")
    train = Subject.of(str(tmp_path / "mine.yaml"), outputs=tmp_path / "outputs").train()
    outcomes = []
    running = threading.Thread(target=lambda: outcomes.extend(local.run([toy(tmp_path, "a")], cluster=dask)))
    running.start()
    deadline = time.monotonic() + 20
    while not dask.said and time.monotonic() < deadline:
        time.sleep(0.1)
    assert dask.said[0].startswith(f"No worker is connected to {machines.address}; waiting for one.")
    plain, gpu = machines.worker("plain"), machines.worker("big", "--resources", "gpu=1")
    running.join(60)
    assert [o.status for o in outcomes] == ["done"]
    machines.wait(dask, 2)
    for _ in range(3):
        local.run([train], cluster=dask)
        for file in train.outputs:
            place, *read = file.read_text().splitlines()
            assert str(machines.folder / "big") in place
            assert read == ["0,0", "1,1"], "the file that the config names came along"
            file.unlink()
    machines.end(plain, gpu)
    machines.wait(dask, 0)


def test_a_lecture_is_drawn_there_and_joined_here(machines, dask, one, program, lecture_hall):
    (lecture_hall / "talk.yaml").write_text(
        "title: Toys\ndefaults: {quality: l, fps: 10}\noutputs: {posters: false, contact_sheet: false}\n"
        "entries: [{scene: toy}, {card: Hello}]\n"
    )
    said, log = (process := program("batch", "talk.yaml", "--scheduler", machines.address)).communicate(timeout=60)
    assert process.returncode == 0, log
    assert Path(said.strip()) == lecture_hall / "outputs/lectures/talk/talk.mp4"
    assert Path(said.strip()).is_file()


def test_nobody_at_the_address_is_said_at_once(monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        dask_cluster.DaskCluster("tcp://127.0.0.1:9", print)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://10.0.0.1:8786", True),
        ("gpu-box:8786", True),
    ],
)
def test_traffic_in_the_clear_is_said(address, said):
    from distributed import Security

    heard = []
    connection.check_protection(address, Security(), heard.append)
    assert bool(heard) == said
    assert all("neither encrypted nor protected" in line for line in heard)


def test_tls(tmp_path, monkeypatch, toy_worker):
    """With certificates jobs are done; without them it is said which setting is missing, and nobody gets in."""
    from dask import config

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there to make a certificate")
    subprocess.run([*made, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    with pytest.raises(UsageError, match="Dask has no certificates for it"):
        dask_cluster.DaskCluster("tls://127.0.0.1:9", print)
    named = {f"distributed.comm.tls.{who}.{what}": str(file) for who in ("scheduler", "worker", "client")
             for what, file in (("cert", cert), ("key", key))}  # fmt: skip
    settings = {"distributed.comm.tls.ca-file": str(cert), **named}
    for name, value in settings.items():
        monkeypatch.setenv("DASK_" + name.upper().replace(".", "__").replace("-", "_"), value)
    machines = Machines(tmp_path, "--protocol", "tls")
    try:
        assert machines.address.startswith("tls://")
        machines.worker("one")
        with config.set(settings), dask_cluster.DaskCluster(machines.address, print) as dask:
            machines.wait(dask, 1)
            assert [o.status for o in local.run([toy(tmp_path, "a")], cluster=dask)] == ["done"]
        monkeypatch.setattr(connection, "CONNECT_SECONDS", 2.0)
        with pytest.raises(UsageError, match="no Dask scheduler answers"):
            dask_cluster.DaskCluster(machines.address.replace("tls://", "tcp://"), print)
    finally:
        machines.end()
        machines.log.close()


# ---- bundles ---------------------------------------------------------------------------------------------------------
def test_a_bundle_is_checked_on_both_ways(tmp_path):
    job = toy(tmp_path, "a")
    packed, files = bundle.pack(job)
    assert sorted(packed.files) == ["recordings/run.npz", "scene/scene.py"]
    assert str(tmp_path) not in json.dumps(packed.job), "nothing in it depends on where the files lie here"
    there = tmp_path / "there"
    unpacked = bundle.unpack(packed, there, lambda digest: files[digest].read_bytes())
    task = Task.from_dict(unpacked, print)
    assert task.inputs["scene/scene"].read_text() == "# a scene\n"
    assert task.inputs["recordings/run"].read_bytes() == b"a recording"
    assert all(path.is_relative_to(there) for path in (*task.inputs.values(), task.out))
    assert (task.key, task.settings) == (job.key, job.settings)
    with pytest.raises(DiffrenderError, match="damaged on its way to"):
        bundle.unpack(packed, tmp_path / "other", lambda digest: b"something else")
    task.out.write_bytes(b"a clip")
    (there / "out/a.srt").write_bytes(b"captions")
    (there / "out/other.mp4").write_bytes(b"")
    back = bundle.collect(unpacked)
    assert list(back) == ["a.mp4", "a.srt"], "what it may leave, and nothing else"
    bundle.deliver(job, back)
    assert job.out.read_bytes() == b"a clip"
    stranger = {**back, "a.mp4": back["a.srt"]}
    for wrong, said in (
        ({"a.mp4": (b"another", back["a.mp4"][1])}, "damaged on its way back"),
        ({}, "did not come back"),
        ({**stranger, "../x": back["a.mp4"]}, "not asked for: '../x'"),
        ({**stranger, "b.mp4": back["a.mp4"]}, "not asked for: 'b.mp4'"),
        ({**stranger, ".bashrc": back["a.mp4"]}, "not asked for: '.bashrc'"),
    ):
        with pytest.raises(DiffrenderError, match=said):
            bundle.deliver(job, wrong)
        assert sorted(p.name for p in job.out.parent.iterdir()) == ["a.mp4", "a.srt"]
    assert job.out.read_bytes() == b"a clip", "of a delivery with a stranger in it nothing is taken"


def test_modules_beside_the_scene_come_along_and_can_be_imported_there(tmp_path):
    job = toy(tmp_path, "a")
    scene = job.inputs["scene/scene"]
    scene.write_text("import helper\nfrom pack import deep\nprint(helper.WORD, deep.WORD)\n")
    (tmp_path / "helper.py").write_text("WORD = 'near'\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/__init__.py").write_text("")
    (tmp_path / "pack/deep.py").write_text("WORD = 'far'\n")
    spec = RenderSpec.of(scene=scene, scene_class="X", out=job.out, width=64, height=36)
    packed, files = bundle.pack(render_job("scene", spec, [], "a"))
    there = bundle.unpack(packed, tmp_path / "there", lambda digest: files[digest].read_bytes())
    run = [sys.executable, there["inputs"]["scene/scene"]]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "near far\n"


def test_a_folder_is_sent_whole_and_counts_by_its_bytes(tmp_path):
    (tmp_path / "pets/cats").mkdir(parents=True)
    (tmp_path / "pets/cats/a.png").write_bytes(b"a")
    (tmp_path / "pets/.hidden").write_bytes(b"h")
    made = Job("sample", "s", tmp_path / "out/s.npz", {}, {"target.path": tmp_path / "pets"})
    packed, files = bundle.pack(made)
    assert sorted(packed.files) == ["target.path/cats/a.png"]
    there = bundle.unpack(packed, tmp_path / "there", lambda digest: files[digest].read_bytes())
    assert (Path(there["inputs"]["target.path"]) / "cats/a.png").read_bytes() == b"a"
    (tmp_path / "pets/cats/a.png").write_bytes(b"b")
    assert Job("sample", "s", tmp_path / "out/s.npz", {}, {"target.path": tmp_path / "pets"}).key != made.key


@pytest.mark.parametrize("absolute", [False, True])
def test_a_config_names_its_files_the_same_way_elsewhere(tmp_path, absolute):
    """In the place that the bundle brought them to the files are found under the names that the config has for them."""
    (tmp_path / "drawings").mkdir()
    (tmp_path / "drawings/a.svg").write_text("<svg/>")
    named = str(tmp_path / "drawings/a.svg") if absolute else "drawings/a.svg"
    (tmp_path / "mine.yaml").write_text(f"target: {{kind: drawing, file: {named}}}\nmodel: exact\n")
    job = Subject.of(str(tmp_path / "mine.yaml"), outputs=tmp_path).sample()
    packed, files = bundle.pack(job)
    there = bundle.unpack(packed, tmp_path / "there", lambda digest: files[digest].read_bytes())
    assert there["settings"]["config"]["target"]["file"] == named, "what is recorded is what was written"
    assert there["settings"]["files"] == {"target.file": named}
    code = (
        "import json, sys; from pathlib import Path; from diffrender.config.find import find_file, use_files;"
        "job = json.loads(sys.argv[1]); files = job['settings']['files'];"
        "use_files({name: Path(job['inputs'][key]) for key, name in files.items()});"
        "print(find_file(files['target.file'], Path('/nowhere')))"
    )
    run = [sys.executable, "-c", code, json.dumps(there)]
    found = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path / "there").stdout.strip()
    assert Path(found) == tmp_path / "there/target.file.svg"
    assert Path(found).read_text() == "<svg/>"
