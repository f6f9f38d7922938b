"""Lecture files, what is planned from them, and what is made again."""

import json
import resource
from pathlib import Path

import av
import numpy as np
import pytest

from diffrender.config import find
from diffrender.core import provenance
from diffrender.core.errors import ConfigError, DiffrenderError, UsageError
from diffrender.core.files import locked
from diffrender.jobs.plan.clip import clip_spec
from diffrender.jobs.run import local
from diffrender.lecture import file as lecture_file
from diffrender.lecture.batch import Batch
from diffrender.lecture.plan import plan, slug
from diffrender.video.encode import container

HEAD = "title: Toys\ndefaults: {quality: l, fps: 10}\n"


FEW = "outputs: {posters: false, contact_sheet: false}\n"


def write(folder, entries, more=FEW, name="talk"):
    """A lecture file with these entries (YAML flow mappings)."""
    file = folder / f"{name}.yaml"
    file.write_text(HEAD + more + "entries:\n" + "".join(f"  - {entry}\n" for entry in entries))
    return file


def planned(file, **defaults):
    return plan(lecture_file.load(file, defaults), file.parent / "outputs")


def make(file, workers=2):
    """Do it; the names of what was done."""
    made = planned(file)
    outcomes = Batch.of(made, file.parent / "outputs").run(workers=workers, on_event=lambda job, event: None)
    assert [o.error for o in outcomes if o.error] == []
    assert not (made.folder / "logs").exists()
    return sorted(o.job.name for o in outcomes)


# ---- the file --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{scene: toy, optoins: {a: 1}}", "entry 2 (toy): unknown key 'optoins'.\nDid you mean 'options'?"),
        ("{scene: toy, card: both}", "entry 2: an entry has exactly one of the keys scene, card, part, video."),
        ("denoise", "entry 2: an entry has exactly one of the keys scene, card, part, video."),
        ("{scene: toy, hold: -1}", "entry 2 (toy): hold: must be at least 0 (got -1)."),
        ("{card: ''}", "entry 2 (): card: a word at least is needed (got '')."),
    ],
)
def test_a_wrong_entry_is_named_with_its_key(lecture_hall, entry, said):
    with pytest.raises(ConfigError) as caught:
        lecture_file.load(write(lecture_hall, ["{scene: toy}", entry]))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: T\n", "'entries' is missing"),
        ("title: T\nentries: []\n", "entries: at least 1 of them are needed"),
        ("title: T\nentries: [{scene: toy}]\nsource: x\n", "unknown key 'source'"),
        ("title: T\nentries: [{scene: toy}]\noutputs: {flim: true}\n", "unknown key 'outputs.flim'"),
        ("title: T\nentries: [{scene: toy}]\ndefaults: {quality: z}\n", "defaults.quality"),
    ],
)
def test_a_wrong_lecture_is_refused(lecture_hall, text, said):
    (lecture_hall / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said.replace("[", r"\[")):
        lecture_file.load(lecture_hall / "bad.yaml")


def test_a_missing_scene_or_file_is_named_with_its_entry(lecture_hall):
    with pytest.raises(UsageError, match=r"talk\.yaml, entry 2: Unknown scene 'toi'"):
        planned(write(lecture_hall, ["{scene: toy}", "{scene: toi}"]))
    with pytest.raises(UsageError, match=r"entry 1: voice\.wav: no such file"):
        planned(write(lecture_hall, ["{scene: toy, narration: voice.wav}"]))


def test_the_schema_names_every_key_and_describes_what_is_not_plain():
    schema = lecture_file.schema()
    entries = schema["properties"]["entries"]["items"]["anyOf"]
    assert {e["$ref"].split("/")[-1] for e in entries} == {"Clip", "Card", "Part", "Video"}
    assert set(schema["properties"]) == {"title", "defaults", "voice", "outputs", "entries"}
    clip = schema["$defs"]["Clip"]
    assert clip["additionalProperties"] is False
    assert set(clip["properties"]) == {
        *("scene", "config", "set", "options", "title", "caption", "notes", "hold", "narration", "say", "pause"),
    }
    assert all("description" in value for value in clip["properties"].values())


def test_every_key_is_documented():
    text = (Path(__file__).parents[2] / "docs/lectures.md").read_text()
    models = (
        lecture_file.Lecture,
        lecture_file.Defaults,
        lecture_file.Voice,
        lecture_file.Outputs,
        lecture_file.Clip,
        lecture_file.Card,
        lecture_file.Part,
        lecture_file.Video,
    )
    keys = {name for model in models for name in model.model_fields} - {"source"}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []
    assert "`transcript`" not in text, "a key that there is not is not documented"


def test_the_shipped_lecture_shows_every_scene():
    shown = lecture_file.load(lecture_file.find("diffusion-101"))
    clips = {entry.scene for entry in shown.entries if isinstance(entry, lecture_file.Clip)}
    shipped = {file.stem for file in find.shipped("scenes").glob("[!_]*.py")}
    assert clips == shipped - {"card"}
    assert sum(isinstance(entry, lecture_file.Clip) for entry in shown.entries) >= 12
    assert all(entry.title and entry.caption for entry in shown.entries if isinstance(entry, lecture_file.Clip))


def test_nested_and_dotted_overrides_are_the_same():
    dotted = lecture_file.Clip(scene="toy", set={"training.steps": 5, "sampler.kind": "ddim"})
    nested = lecture_file.Clip(scene="toy", set={"training": {"steps": 5}, "sampler": {"kind": "ddim"}})
    assert dotted.overrides == nested.overrides == {"training.steps": 5, "sampler.kind": "ddim"}


def test_slugs_are_safe_file_names():
    assert slug("Où va σ? ../../etc/passwd: a & b") == "ou-va-etc-passwd-a-b"
    assert len(slug("long " * 50)) <= 30


# ---- the plan --------------------------------------------------------------------------------------------------------
def test_shared_training_is_planned_once(lecture_hall):
    (lecture_hall / "configs").mkdir()
    (lecture_hall / "configs/tiny.yaml").write_text("target: {kind: spiral}\n")
    (lecture_hall / "scenes/one.py").write_text(
        '"""One."""\nclass OneScene(Scene):\n    default_config = "tiny"\n'
        '    needs = {"run": Recording("reverse", {"sampler.kind": "ddim"})}\n'
        "    class Options(SceneOptions):\n        a: int = 0\n"
    )
    file = write(lecture_hall, ["{scene: one}", "{scene: one, options: {a: 1}}", "{scene: one, set: {sampler.eta: 1}}"])
    batch = Batch.of(planned(file), lecture_hall / "outputs")
    kinds = [job.kind for job in batch.todo]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "train": 1,
        "sample": 2,
        "render": 3,
        "join": 1,
    }
    assert kinds[0] == "train"
    assert kinds[-1] == "join"
    file = write(lecture_hall, ["{scene: one}", "{scene: one, set: {training.steps: 7}}"])
    assert [job.kind for job in Batch.of(planned(file), lecture_hall / "outputs").todo].count("train") == 2


def test_a_headings_ground_is_the_first_recording_of_its_part(lecture_hall):
    (lecture_hall / "configs").mkdir()
    (lecture_hall / "configs/tiny.yaml").write_text("target: {kind: spiral}\nmodel: exact\n")
    (lecture_hall / "scenes/one.py").write_text(
        '"""One."""\nclass OneScene(Scene):\n    default_config = "tiny"\n    needs = {"run": Recording("reverse")}\n'
    )
    entries = ["{part: First}", "{scene: one}", "{part: Second}", "{scene: toy}", "{part: Third}"]
    first, clip, second, _, third = planned(write(lecture_hall, entries)).items
    assert [job.out for job in first.job.needs] == [job.out for job in clip.job.needs]
    assert set(clip_spec(first.job).trajectories) == {"ground"}
    assert clip_spec(first.job).trajectories["ground"] == clip.job.needs[0].out
    assert not second.job.needs
    assert not third.job.needs


def test_names_of_clips_do_not_change_when_entries_come_and_go(lecture_hall):
    before = planned(write(lecture_hall, ["{scene: toy}", "{scene: toy, options: {frames: 3}}"]))
    after = planned(write(lecture_hall, ["{card: New}", "{scene: toy, options: {frames: 3}}", "{scene: toy}"]))
    names = {item.name: item.key for item in before.items}
    assert {item.name: item.key for item in after.items if item.name in names} == names


def test_headings_say_how_many_parts_there_are_and_keep_their_names(lecture_hall):
    two, three = (
        list(planned(write(lecture_hall, entries)).items)
        for entries in (["{part: One}", "{part: Two}"], ["{part: One}", "{part: Two}", "{part: Three}"])
    )
    assert [clip_spec(item.job).options["parts"] for item in three] == [3, 3, 3]
    assert [clip_spec(item.job).options["part"] for item in three] == [1, 2, 3]
    assert [item.name for item in two] == [item.name for item in three[:2]]
    assert two[0].key != three[0].key


def test_a_draft_has_a_folder_of_its_own(lecture_hall):
    file = write(lecture_hall, ["{scene: toy}"])
    draft = plan(lecture_file.load(file, {"quality": "m"}), lecture_hall / "outputs", suffix="-m")
    assert draft.folder.name == "talk-m"
    assert draft.clips[0].settings["width"] == 1280
    assert planned(file).clips[0].settings["width"] == 854


# ---- what is made again ----------------------------------------------------------------------------------------------
def test_only_what_changed_is_made_again(lecture_hall):
    entries = ["{scene: toy}", "{scene: toy, options: {frames: 3}}", "{card: Hello}"]
    file = write(lecture_hall, entries)
    first = make(file)
    assert len(first) == 4  # three clips and the film
    said = provenance.read(lecture_hall / "outputs/lectures/talk/talk.mp4")
    assert said["key"] == planned(file).film.key
    assert said["clips"] == [item.key for item in planned(file).items]
    assert set(said["versions"]) == {"diffrender", "manim", "av"}
    clips = {path: path.stat().st_mtime_ns for path in (lecture_hall / "outputs/lectures/talk/clips").iterdir()}
    assert make(file) == []
    file = write(lecture_hall, [entries[0], "{scene: toy, options: {frames: 4}}", entries[2]])
    again = make(file)
    assert len([name for name in again if name.startswith("render")]) == 1
    assert len(again) == 2
    assert all(path.stat().st_mtime_ns == time for path, time in clips.items())
    file = write(lecture_hall, [entries[2], "{scene: toy, options: {frames: 4}}", entries[0]])
    assert make(file) == ["join talk"], "another order makes no clip again"
    (lecture_hall / "scenes/toy.py").write_text((lecture_hall / "scenes/toy.py").read_text() + "# changed\n")
    assert len([name for name in make(file) if name.startswith("render")]) == 2, "both clips of the changed scene"


def test_what_is_lost_or_damaged_is_made_again_and_nothing_else(lecture_hall):
    file = write(lecture_hall, ["{scene: toy}"], more="")
    make(file)
    folder = lecture_hall / "outputs/lectures/talk"
    film = {"join talk"}, ("talk.mp4", "talk.srt")
    pictures = {"pictures of talk"}, ("contact-sheet.png", "posters/toy.png")
    for jobs, lost in (film, pictures):
        for name in lost:
            (folder / name).unlink()
        assert set(make(file)) == jobs
        assert all((folder / name).is_file() for name in lost)
    clip = folder / "clips/toy.mp4"
    clip.write_bytes(clip.read_bytes()[:300])
    assert make(file) == ["render toy"], "the film has the key of what the clip becomes again"


def test_two_batches_do_not_write_one_folder(lecture_hall):
    file = write(lecture_hall, ["{scene: toy}"])
    lock = planned(file).folder / ".lock"
    with locked(lock, DiffrenderError("")), pytest.raises(DiffrenderError, match="another batch is writing there"):
        make(file)
    make(file)


def test_few_clips_are_each_drawn_by_several_processes(lecture_hall):
    from diffrender.lecture.batch import share_workers

    jobs = planned(write(lecture_hall, ["{scene: toy}", "{card: Hello}"])).clips
    assert [job.settings["workers"] for job in share_workers(jobs, 8, None)] == [4, 4]
    assert [job.settings["workers"] for job in share_workers(jobs * 3, 2, None)] == [1] * 6


# ---- time ------------------------------------------------------------------------------------------------------------
def test_estimates_are_what_was_measured_else_said_to_be_guesses(lecture_hall):
    file = write(lecture_hall, ["{scene: toy}"])
    outputs = lecture_hall / "outputs"
    assert not any(measured for _, measured in Batch.of(planned(file), outputs).estimates.values())
    make(file)
    (outputs / "lectures/talk/clips/toy.mp4").unlink()
    ((seconds, measured),) = Batch.of(planned(file), outputs).estimates.values()
    assert measured
    assert 0 < seconds < 30
    (outputs / ".paces.json").write_text("not JSON")
    assert Batch.of(planned(file), outputs).estimates  # damaged timings are none


def test_the_whole_takes_no_less_than_its_longest_chain(lecture_hall):
    batch = Batch.of(planned(write(lecture_hall, [f"{{card: C{i}}}" for i in range(9)])), lecture_hall / "outputs")
    batch.estimates = {job.out: (1.0, True) for job in batch.todo}
    assert batch.seconds(1) == len(batch.todo) == 10
    assert batch.seconds(100) == 2.0


def test_a_lecture_drawn_by_manim_has_the_captions_of_its_scene(tmp_path, monkeypatch):
    """Everything as users have it: a real scene, its real encoder, and packets that fit to those of the hold."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes/real.py").write_text(
        "from manim import RIGHT, Scene, Square\n\n\nclass RealScene(Scene):\n    def construct(self):\n"
        "        square = Square()\n        self.wait(0.4)\n"
        "        self.play(square.animate.shift(RIGHT), run_time=1, subcaption='It goes right.')\n"
        "        self.wait(0.6)\n"
    )
    file = write(tmp_path, ["{scene: real, caption: Otherwise, hold: 1, title: Squares}"])
    assert make(file) == ["join talk", "render real"]
    folder = tmp_path / "outputs/lectures/talk"
    cues = [line for line in (folder / "talk.srt").read_text().splitlines() if line and not line.isdigit()]
    assert cues == [
        *("00:00:00,400 --> 00:00:01,400", "It goes right."),
        *("00:00:01,400 --> 00:00:03,000", "Otherwise"),
    ]
    with av.open(str(folder / "talk.mp4")) as film, av.open(str(folder / "clips/real.mp4")) as clip:
        joined = [bytes(packet) for packet in film.demux(video=0) if packet.size]
        drawn = [bytes(packet) for packet in clip.demux(video=0) if packet.size]
    assert joined[: len(drawn)] == drawn
    assert (len(drawn), len(joined)) == (20, 30)
    assert make(file) == []


# ---- the program -----------------------------------------------------------------------------------------------------
def test_forty_clips_up_to_date_take_under_two_seconds(lecture_hall, program):
    (lecture_hall / "configs").mkdir()
    (lecture_hall / "configs/tiny.yaml").write_text("target: {kind: spiral}\nmodel: exact\n")
    (lecture_hall / "scenes/one.py").write_text(
        '"""One."""\nclass OneScene(Scene):\n    default_config = "tiny"\n    needs = {"run": Recording()}\n'
        "    class Options(SceneOptions):\n        frames: int = 6\n        grey: int = 40\n"
    )
    entries = [f"{{scene: one, options: {{frames: 2, grey: {i}}}}}" for i in range(40)]
    file = write(lecture_hall, entries)
    made = planned(file)
    finished(made)
    process = program("batch", str(file), "--json", "-w", "2")
    said, log = process.communicate(timeout=100)
    assert process.returncode == 0, log
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = program("batch", str(file), "--json")
    said, log = process.communicate(timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert {job["status"] for job in json.loads(said)["jobs"]} == {"up to date"}, log
    # one process that waits for nothing: what it takes of a processor is what it takes when nothing else runs
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


def finished(made):
    """Put recordings and clips with the right keys in place, as if they had been made."""
    for job in Batch.of(made, made.folder.parent.parent).upstream():
        job.out.parent.mkdir(parents=True, exist_ok=True)
        np.savez(job.out, meta=np.array(json.dumps({"key": job.key})))
    one = made.clips[0]
    local.run([one])
    for job in made.clips[1:]:
        container.join([one.out], job.out, 10, metadata={"comment": provenance.comment({"key": job.key})})


def test_a_dry_run_says_what_would_be_done_and_does_nothing(lecture_hall, program):
    file = write(lecture_hall, ["{scene: toy}", "{part: Two}"], "outputs: {gif: {max_mb: 1}}\n")
    process = program("batch", str(file), "--dry-run")
    said, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Toys: 2 to render, 1 to gif, pictures, 1 to join; about" in log
    assert "(a guess: nothing like it was made here yet)" in log
    assert said.splitlines()[0].split() == ["what", "to", "do", "time", "from", "file"]
    assert [line.split("  ")[0] for line in said.splitlines()[2:]] == ["toy", "Two", "GIF of toy", "pictures", "film"]
    assert not (lecture_hall / "outputs").exists()
    process = program("batch", str(file), "--dry-run", "--json")
    plan = json.loads(process.communicate(timeout=60)[0])
    assert all(job["to_do"] and job["seconds"] > 0 for job in plan["jobs"])


def test_a_failing_clip_is_told_with_its_log_and_does_not_stop_the_others(lecture_hall, program):
    file = write(lecture_hall, ["{scene: toy, options: {fail: Try another.}}", "{card: Good}"])
    process = program("batch", str(file))
    _, log = process.communicate(timeout=60)
    folder = lecture_hall / "outputs/lectures/talk"
    assert process.returncode == 1
    assert "cannot be drawn" in log
    assert "Try another." in log
    (path,) = (folder / "logs").iterdir()
    assert str(path) in log
    assert "drawing" in path.read_text()
    assert len(list((folder / "clips").glob("card*.mp4"))) == 1
    assert not (folder / "talk.mp4").exists()
    assert "card-good" in (folder / "index.html").read_text()
    process = program("batch", str(file), "--fail-fast", "--json", "-w", "1")
    became = {job["what"]: job for job in json.loads(process.communicate(timeout=60)[0])["jobs"]}
    assert process.returncode == 1
    assert {what: job["status"] for what, job in became.items()} == {
        "toy": "failed", "Good": "up to date", "film": "not made",
    }  # fmt: skip
    assert became["toy"]["log"] == str(path)


def test_without_a_lecture_the_known_ones_are_named(program):
    process = program("batch")
    assert "Which lecture?" in process.communicate(timeout=30)[1]
    assert process.returncode == 2
