"""What a newcomer types wrongly is told in a line, with what to type instead, before anything is made."""

from pathlib import Path

import numpy as np
import pytest
import typer

import diffrender
from diffrender.cli.commands.inspect import inspect
from diffrender.cli.commands.page import page
from diffrender.cli.settings import parse_option
from diffrender.config.find import find_config
from diffrender.config.load import load_config
from diffrender.config.scene_card import find_scene, with_options
from diffrender.core.errors import ConfigError, DiffrenderError, UsageError
from diffrender.jobs.plan.clip import clip
from diffrender.lecture.file import find as find_lecture
from diffrender.video.settings import RenderSettings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "other"):
        with diffrender.Recorder(f"{name}.npz") as recorder:
            for sigma in (0.9, 0.5, 0.0):
                recorder.state(np.full((20, 2), sigma, np.float32), alpha=(1 - sigma**2) ** 0.5, sigma=sigma)
    (tmp_path / "pictures").mkdir()
    for name in ("mine.html", "film.mp4", "cat.svg", "walk.py", "talk.yaml", "odd.xyz9"):
        (tmp_path / name).touch()
    return tmp_path


def refusal(call, *args, **more):
    with pytest.raises(UsageError) as raised:
        call(*args, **more)
    return str(raised.value)


# ---- what does nothing beside a recording ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"overrides": {"sampler.steps": 5}}, "--set sampler.steps=5"),
        ({"overrides": {"sampler.seed": 3}}, "--set sampler.seed=3"),
        ({"overrides": {"model.conditional": True}}, "--set model.conditional=true"),
        ({"config": "spiral"}, "--config spiral"),
        ({"device": "cuda"}, "--device cuda"),
    ],
)
def test_what_does_nothing_beside_a_recording_is_refused(folder, more, named):
    said = refusal(clip, "denoise", trajectories=["mine.npz"], **more)
    assert named in said
    assert "mine.npz is drawn as it was recorded" in said
    clip("denoise", trajectories=["mine.npz"])  # control
    clip("denoise", **({"config": "spiral"} | more))  # control: where something is made


def test_a_scene_without_recordings_takes_no_sampler(folder):
    assert "shows no recording" in refusal(clip, "card", overrides={"sampler.steps": 5})
    clip("card", overrides={"sampler.seed": 5})  # a lecture's seed is for all its clips


@pytest.mark.parametrize(
    ("scene", "key", "value", "other"),
    [
        ("likelihood", "sampler.kind", "heun", "sampler.steps"),
        ("race", "sampler.kind", "euler_ancestral", "sampler.evaluations"),
        ("step", "sampler.kind", "ddim", "sampler.steps"),
        ("guidance", "sampler.guidance_scale", 3, "sampler.chains"),
    ],
)
def test_what_a_scene_has_values_of_its_own_for_is_refused(folder, scene, key, value, other):
    said = refusal(clip, scene, overrides={key: value})
    assert f"--set {key}={value}" in said
    assert "whatever is set" in said
    clip(scene, overrides={other: 12})  # control: what does something


# ---- too few recordings ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scene", "missing"),
    [("compare", "-T exact=FILE"), ("flow", "-T transport=FILE -T once=FILE"), ("race", "-T racer2=FILE")],
)
def test_a_scene_of_several_recordings_says_which_are_missing_and_how_to_give_them(folder, scene, missing):
    said = refusal(clip, scene, trajectories=["mine.npz"])
    assert missing in said
    assert "--config NAME" in said
    assert clip(scene, "moons", trajectories=["mine.npz"]).needs, (
        "control: the rest is made from a config that is named"
    )


def test_acts_that_need_none_of_the_missing_ones_are_offered(folder):
    said = refusal(clip, "langevin", trajectories=["mine.npz"])
    assert "-O acts=chain,zoom,histogram" in said
    clip("langevin", trajectories=["mine.npz"], options={"acts": ["chain", "zoom", "histogram"]})  # as it says


def test_a_race_is_of_as_many_as_are_given(folder):
    job = clip("race", trajectories=["mine.npz", "other.npz"])
    assert not job.needs
    assert job.settings["options"]["samplers"] == ["mine", "other"]
    assert len(clip("race").needs) == 4, "control"


def test_python_takes_several_recordings_by_place_or_by_name(folder, monkeypatch):
    jobs = []
    monkeypatch.setattr("diffrender.api.bring_up_to_date", jobs.append)
    diffrender.render("compare", ["mine.npz", "other.npz"])
    diffrender.render("compare", {"exact": "other.npz", "run": diffrender.Trajectory.open("mine.npz")})
    first, second = ({k: v.name for k, v in job.inputs.items() if k.startswith("recordings")} for job in jobs)
    assert first == second == {"recordings/run": "mine.npz", "recordings/exact": "other.npz"}


# ---- the wrong kind of file ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("mine.npz", "render denoise mine.npz"),
        ("mine.html", "open it in a browser"),
        ("film.mp4", "diffrender inspect film.mp4"),
        ("cat.svg", "--config ./cat.svg"),
        ("talk.yaml", "diffrender batch talk.yaml"),
        ("pictures", "image_folder, path: pictures"),
    ],
)
@pytest.mark.parametrize("find", [find_scene, find_config, find_lecture])
def test_a_file_of_another_kind_is_told_with_what_to_do_with_it(folder, find, file, remedy):
    if file in {find_config: ("cat.svg", "talk.yaml"), find_lecture: ("talk.yaml",)}.get(find, ()):
        assert find(file).name == file, "control: what it is for"
    else:
        assert remedy in refusal(find, file)


def test_arrays_of_ones_own_are_not_called_a_recording(folder):
    np.savez("points.npz", left=np.zeros((5, 2)), right=np.ones((5, 2)))
    assert "holds left, right" in refusal(find_config, "./points.npz")
    assert "That is a recording" in refusal(find_config, "./mine.npz"), "control"


@pytest.mark.parametrize("file", ["points.csv.gz", "points.csv.zip", "cat.svg.xz"])
def test_what_is_packed_is_called_so(folder, file):
    Path(file).write_bytes(b"\x1f\x8b\x08" + bytes(20))
    assert "unpack it" in refusal(find_config, f"./{file}")


def test_points_in_json_are_told_what_is_read(folder):
    Path("points.json").write_text("[[0, 1], [1, 0]]")
    with pytest.raises(ConfigError, match=r"CSV or \.npy"):
        load_config(find_config("./points.json"))


def test_a_config_in_place_of_a_scene_says_what_comes_first(folder):
    assert "render denoise --config spiral" in refusal(find_scene, "spiral")
    assert "--config" not in refusal(find_scene, "spirla"), "control: of no config"


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        (inspect, "mine.html", "open it in a browser"),
        (inspect, "mine", "Did you mean mine.html or mine.npz?"),
        (inspect, "pictures", "a folder"),
        (inspect, "odd.xyz9", "Known: .flac, .gif"),
        (page, "min.npz", "Did you mean mine.npz"),
        (page, "film.mp4", "diffrender inspect film.mp4"),
        (page, "nowhere/mine.npz", "There is no folder nowhere"),
    ],
)
def test_commands_that_read_a_file_say_what_is_there(folder, capsys, command, file, said):
    with pytest.raises(typer.Exit) as exit:
        command(folder.__class__(file))
    assert exit.value.exit_code == 2
    assert said in capsys.readouterr().err


def test_a_recording_that_is_not_there_is_told_with_those_that_are(folder):
    assert "Did you mean mine.npz" in refusal(clip, "denoise", trajectories=["mine2.npz"])
    with pytest.raises(DiffrenderError):  # control: what is there and is none
        diffrender.Trajectory.open("mine.html")


@pytest.mark.parametrize("command", [["render", "langevin"], ["train", "circle"], ["sample", "circle"]])
def test_a_device_that_is_not_there_is_refused_before_any_work_and_beside_what_is_up_to_date(folder, capsys, command):
    from diffrender.cli.app import app

    with pytest.raises(SystemExit) as ended:
        app([*command, "--device", "cuda:97", "--dry-run"])
    assert ended.value.code == 2
    assert "--device cuda:97: this machine has no such device." in capsys.readouterr().err


# ---- sizes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("resolution", "said"), [("5,500", "width must be 16"), ("640,20000", r"height must be 16 to 16,384.*got 20000")]
)
def test_a_size_that_cannot_be_names_the_flag(resolution, said):
    with pytest.raises(UsageError, match=said) as raised:
        RenderSettings.of(resolution=resolution).size()
    assert f"-r / --resolution {resolution}" in str(raised.value)
    assert RenderSettings.of(resolution="16,16384").size()[:2] == (16, 16384)


@pytest.mark.parametrize("name", ["title", "caption", "subtitle"])
def test_words_are_left_out_as_a_shell_gives_two_quotes(name):
    assert parse_option(f"{name}=") == (name, "")
    assert parse_option(f"{name}=''") == (name, "")
    assert with_options(find_scene("denoise"), dict([parse_option(f"{name}=")]))
    assert parse_option(f"{name}=null") == (name, None), "control"


@pytest.mark.parametrize(
    ("settings", "file", "said"),
    [
        ({"gif_width": 300}, "a.mp4", "--gif-width is for GIFs, and a mp4 is made"),
        ({"gif_fps": 10}, "a.webm", "--gif-fps"),
        ({"max_mb": 3}, "a.mov", "--max-mb"),
        ({"codec": "libx265"}, "a.gif", "--codec libx265 is for videos"),
        ({"encode": "small", "still": 0.5}, "a.png", "--encode small"),
        ({"aspect": "9:16", "resolution": "400,400"}, "a.mp4", "400 × 400 pixels have another shape"),
    ],
)
def test_settings_that_do_nothing_in_the_file_are_refused(settings, file, said):
    with pytest.raises(UsageError, match=said):
        RenderSettings.of(**settings).check_used(Path(file))
    fitting = "a.mp4" if "codec" in settings or "encode" in settings else "a.gif"
    control = {key: "360,640" if key == "resolution" else value for key, value in settings.items() if key != "still"}
    RenderSettings.of(**control).check_used(Path(fitting))


@pytest.mark.parametrize("picture", [{"still": 0.5}, {"contact_sheet": True}])
def test_one_picture_is_no_video(folder, picture):
    assert "writes one PNG, and film.mp4 is none" in refusal(
        clip, "denoise", "spiral", settings=RenderSettings.of(**picture), out=Path("film.mp4")
    )
