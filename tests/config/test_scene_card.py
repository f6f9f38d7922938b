"""What a scene file says of itself is read from its text: nothing in it runs before it is drawn."""

import subprocess
import sys
from pathlib import Path

import pytest

from diffrender.config.declarations import Recording, SceneOptions, Training, with_words
from diffrender.config.find import shipped
from diffrender.config.scene_card import find_scene, option_rows, read_scene, read_scenes, with_options
from diffrender.core.errors import ConfigError, UsageError
from tests import one_process

RUN = '__import__("pathlib").Path("CANARY").touch()'
SCENE = '''"""A toy."""
from diffrender.animation import Recording, SceneOptions, TrajectoryScene, Training
from pydantic import Field
from typing import Literal

STEPS = 40
Act = Literal["one", "two"]


class Toy(TrajectoryScene):
    """A toy scene."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {
        "run": Recording("reverse", {"sampler.kind": "ddim", "sampler.steps": STEPS}, fixed={"sampler.chains": 10}),
        "film": Training(config="dino"),
    }
    words = {"title": "Toys"}

    class Options(SceneOptions):
        """Its options."""

        acts: tuple[Act, ...] = Field(("one",), min_length=1, description="what is played")
        size: float | None = Field(-0.5, ge=-1, lt=2)
        name: str = "toy"

    def construct(self):
        pass
'''


def written(folder: Path, text: str = SCENE, name: str = "toy.py") -> Path:
    (file := folder / name).write_text(text)
    return file


def test_everything_that_a_scene_declares_is_read(tmp_path):
    card = read_scene(written(tmp_path))
    assert (card.name, card.class_name, card.summary) == ("toy", "Toy", "A toy scene.")
    assert (card.default_config, card.shows, card.words) == ("spiral", ("plane", "space"), {"title": "Toys"})
    run = Recording("reverse", {"sampler.kind": "ddim", "sampler.steps": 40}, fixed={"sampler.chains": 10})
    assert card.needs == {"run": run, "film": Training(config="dino")}
    rows = {row["name"]: row for row in option_rows(card)}
    said = {"name": "acts", "default": "one", "type": "list of one|two", "what": "what is played", "shared": False}
    assert rows["acts"] == said
    assert (rows["hold"]["shared"], rows["title"]["shared"]) == (True, False)
    assert (rows["size"]["default"], rows["title"]["default"]) == ("-0.5", "Toys")


def test_options_are_checked_as_the_class_itself_would(tmp_path):
    card = read_scene(written(tmp_path))
    with_options(card, {"acts": "one, two", "size": None, "title": "Other toys"})
    with pytest.raises(UsageError, match="Did you mean 'acts'"):
        with_options(card, {"act": "one"})
    for wrong in ({"acts": "three"}, {"acts": ""}, {"size": 2}, {"size": "big"}, {"name": 3}, {"size": float("nan")}):
        with pytest.raises(ConfigError, match=f"options of Toy: {next(iter(wrong))}"):
            with_options(card, wrong)


EACH = SCENE.replace(
    '"film": Training(config="dino"),', '"racer": Recording("reverse", each={"sampler.kind": "acts"}),'
)


def test_a_need_may_stand_for_one_recording_of_each_value_of_an_option(tmp_path):
    card = read_scene(written(tmp_path, EACH))
    assert list(card.needs) == ["run", "racer"]
    both = with_options(card, {"acts": "one, two"}).needs
    assert list(both) == ["run", "racer1", "racer2"]
    assert [both[f"racer{k}"].fixed for k in (1, 2)] == [{"sampler.kind": "one"}, {"sampler.kind": "two"}]
    assert list(with_options(card, {}).needs) == ["run", "racer1"]


@pytest.mark.parametrize(
    ("acts", "needed"),
    [
        (["chain", "zoom"], ["chain"]),
        (["hill"], ["chain", "still"]),
        (["many"], ["chain", "many"]),
        (["still"], ["chain", "many", "still"]),
    ],
)
def test_acts_that_are_not_shown_need_no_recording(acts, needed):
    card = find_scene("langevin")
    assert list(with_options(card, {"acts": acts}).needs) == needed
    assert list(with_options(card, {}).needs) == ["chain", "many", "still", "several", "walk"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"acts"}', '"act"}', "'act' is no option that is a list"),
        ('"acts"}', '"name"}', "'name' is no option that is a list"),
        ('{"sampler.kind": "acts"}', '{"a.b": "acts", "c.d": "acts"}', "one config key and one option"),
        ('{"sampler.kind": "acts"}', '{"sampler.kind": 3}', "one config key and one option"),
        ('{"sampler.kind": "acts"}', RUN, "cannot be read without running it"),
    ],
)
def test_each_names_an_option_that_is_a_list(tmp_path, monkeypatch, old, new, said):
    monkeypatch.chdir(tmp_path)
    assert old in EACH
    with pytest.raises(UsageError, match=said):
        read_scene(written(tmp_path, EACH.replace(old, new)))
    assert not Path("CANARY").exists()


def test_a_word_is_an_option_unless_the_scene_has_one_of_that_name():
    class Options(SceneOptions):
        title: str = "mine"

    words = with_words(Options, {"title": "words", "noise": "n", "caption": "c"})()
    assert (words.title, words.noise, words.caption) == ("mine", "n", "c")


@pytest.mark.parametrize("file", sorted(shipped("scenes").glob("*.py")), ids=lambda f: f.stem)
def test_the_text_of_a_shipped_scene_says_what_its_class_is(file):
    """Manim loaded: the reader and the class agree, in every declaration and every option."""
    from diffrender.video.frames import load_scene

    card = read_scene(file)
    scene = load_scene(file, card.class_name)
    assert (scene.default_config, scene.needs, tuple(scene.shows)) == (card.default_config, card.needs, card.shows)
    mine, theirs = (o.model_json_schema() for o in (card.options, with_words(scene.Options, scene.words)))
    assert mine["properties"] == theirs["properties"]


HOSTILE = {
    "annotation": ("name: str", f"name: {RUN}"),
    "annotation, subscripted": ("name: str", f"name: tuple[{RUN}]"),
    "annotation, a literal": ("name: str", f"name: Literal[{RUN}]"),
    "annotation as text": ("name: str", f"name: {RUN!r}"),
    "default": ('= "toy"', f"= {RUN}"),
    "default factory": ('= "toy"', f"= Field(default_factory=lambda: {RUN})"),
    "field": ("ge=-1", f"ge={RUN}"),
    "field, opened": ("ge=-1", f"**{{'ge': {RUN}}}"),
    "needs": ('"dino"', RUN),
    "needs, key": ('"film":', f"{RUN}:"),
    "needs, a call of another": ("Training(", f"(lambda **_: {RUN})("),
    "comprehension": ('("plane", "space")', f"[{RUN} for _ in (1,)]"),
    "f-string": ('"spiral"', f'f"{{{RUN!s}}}"'.replace('"CANARY"', "'CANARY'").replace('"pathlib"', "'pathlib'")),
    "walrus": ('"spiral"', f"(x := {RUN})"),
    "constant of the module": ("STEPS = 40", f"STEPS = {RUN}"),
    "literal of the module": ('Literal["one", "two"]', f"Literal[{RUN}]"),
    "base of the options": ("class Options(SceneOptions)", f"class Options({RUN})"),
    "statement in the options": ('        name: str = "toy"', f"        {RUN}"),
    "attribute": ('"spiral"', "().__class__.__base__"),
    "conditional": ('"spiral"', f'"spiral" if {RUN} else ""'),
    "star": ('("plane", "space")', f"(*{RUN},)"),
    "sum": ('"spiral"', '"spi" + "ral"'),
}


@pytest.mark.parametrize("place", HOSTILE)
def test_what_is_no_plain_value_is_refused_with_its_line(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    old, new = HOSTILE[place]
    assert SCENE.count(old) == 1
    text = SCENE.replace(old, new)
    line = next(i for i, (a, b) in enumerate(zip(SCENE.split("\n"), text.split("\n"), strict=True), 1) if a != b)
    with pytest.raises(UsageError, match=r"toy\.py, line \d+: ") as caught:
        read_scene(written(tmp_path, text))
    named = int(str(caught.value).partition(", line ")[2].partition(":")[0])
    assert named == line
    assert not (tmp_path / "CANARY").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Toy(TrajectoryScene)", f"class Toy(TrajectoryScene, {RUN})"),
        ("class Toy(TrajectoryScene)", f"class Toy(TrajectoryScene, metaclass={RUN})"),
        ("class Toy(", f"@{RUN}\nclass Toy("),
        ("    def construct(self)", f"    @{RUN}\n    def construct(self, a={RUN})"),
        ("STEPS = 40", f"STEPS = 40\n{RUN}"),
        ('    words = {"title": "Toys"}', f'    words = {{"title": "Toys"}}\n    [{RUN} for _ in (1,)]'),
    ],
)
def test_what_declares_nothing_is_not_run(tmp_path, monkeypatch, old, new):
    monkeypatch.chdir(tmp_path)
    card = read_scene(written(tmp_path, SCENE.replace(old, new)))
    with_options(card, {"acts": "one"})
    assert card.needs["film"] == Training(config="dino")
    assert not (tmp_path / "CANARY").exists()


def test_a_canary_sings_where_a_file_is_run(tmp_path, monkeypatch):
    """The control: the same line run by Python leaves its mark."""
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", f"x: {RUN} = 1"], check=True)
    assert (tmp_path / "CANARY").exists()


def test_no_command_runs_a_hostile_file_before_it_is_drawn(tmp_path):
    """In `list`, in a dry run, and in a render that is refused: one error with the line, and no canary."""
    (tmp_path / "scenes").mkdir()
    written(tmp_path / "scenes", SCENE.replace("name: str", f"name: {RUN}"))
    written(tmp_path, RUN + "\n" + SCENE, "loud.py")
    (tmp_path / "lecture.yaml").write_text("title: T\nentries: [{scene: toy}]\n")
    (tmp_path / "loud.yaml").write_text("title: T\nentries: [{scene: loud.py}]\n")
    calls = {
        ("list", "scenes"): (0, "unreadable"),
        ("list", "scenes", "toy"): (2, "line 26"),
        ("list", "scenes", "loud.py"): (0, "A toy scene."),
        ("batch", "lecture.yaml", "--dry-run"): (2, "line 26"),
        ("batch", "loud.yaml", "--dry-run"): (0, "loud"),
        ("render", "toy"): (2, "line 26"),
        ("render", "loud.py", "-O", "acts=three"): (2, "acts"),
    }
    for call, (code, said) in calls.items():
        done = one_process.run(*call, cwd=tmp_path)
        assert (done.returncode, said in done.stdout + done.stderr) == (code, True), (call, done.stdout, done.stderr)
        assert not (tmp_path / "CANARY").exists(), call


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('default_config = "spiral"', "default_config = 3", "line 13: .*must be the name of a config"),
        ('("plane", "space")', '("plain",)', "line 14: .*plain"),
        ('Recording("reverse"', 'Recording("revers"', "line 16: .*'revers'.*\nDid you mean 'reverse'"),
        ('Recording("reverse"', 'Recording("training"', "Training()"),
        ("fixed={", "fixd={", "line 16: .*fixd"),
        ('{"sampler.chains": 10}', '{"": 10}', "line 16: .*config keys"),
        ('{"title": "Toys"}', '{"title": 3}', "line 19: .*text"),
        ('{"title": "Toys"}', '{"ti tle": "T"}', "line 19: .*names"),
        ("ge=-1, lt=2", 'ge="low"', "line 25: option 'size'"),
        ("-0.5, ge=-1", "-5, ge=-1", "line 25: size: .*must be at least"),
        ("STEPS = 40", "STEPS = 40\nSTEPS = 41", "'STEPS' is set more than once"),
        ("STEPS = 40", "STEPS = STEPS", "nested too deeply"),
        ("STEPS = 40", "from a import STEPS", "'STEPS' is no plain value"),
        ("STEPS = 40", "", "'STEPS' is not set"),
        ("STEPS = 40", "STEPS = 1" + "0" * 400, "line 6: .*bounds"),
        ("STEPS = 40", "STEPS = 1e999", "line 6: .*bounds"),
        ("STEPS = 40", "STEPS = '\\ud800'", "line 6: .*surrogate"),
        ("STEPS = 40", "STEPS = " + "-" * 5000 + "1", "nested too deeply"),
        ("STEPS = 40", "A = (1,) * 2\nSTEPS = (", "line 7: not Python"),
        ("STEPS = 40", "STEPS = 40\ndict(a=1, a=2)", r"line 7: not Python \(keyword argument repeated: a\)"),
        ("STEPS = 40", "STEPS = 40\nreturn", r"line 7: not Python \('return' outside function\)"),
        ("STEPS = 40", "A = (" + "1, " * 200 + ")\nB = (" + "A, " * 200 + ")\nSTEPS = B", "too many values"),
        ("    default_config", "    kinds = {}\n    default_config", "line 13: .*kinds"),
        ("    default_config", "    for needs in (): ...\n    default_config", "line 16: .*needs must be set once"),
        ('name: str = "toy"', "name = 3", "line 26: an option is written"),
        ('name: str = "toy"', "size: int = 3", "line 26: .*declared twice"),
        ('name: str = "toy"', "_name: str = 'a'", "line 26: option '_name'"),
        ('name: str = "toy"', "model_config: str = 'a'", "line 26: option 'model_config'"),
    ],
)
def test_a_spoilt_declaration_is_a_usage_error(tmp_path, old, new, said):
    with pytest.raises(UsageError, match=said):
        read_scene(written(tmp_path, SCENE.replace(old, new)))


@pytest.mark.parametrize(
    "data", [b"\x00", b"\xff\xfe", b"# coding: nonsense\n", b"x = 1" + b" " * 2_000_000, b"\xef\xbb"]
)
def test_what_is_no_text_is_a_usage_error(tmp_path, data):
    (file := tmp_path / "odd.py").write_bytes(data)
    with pytest.raises(UsageError, match=r"odd\.py"):
        read_scene(file)


def test_a_file_with_two_scenes_asks_which(tmp_path):
    file = written(
        tmp_path, SCENE + "\n\nclass Other(Toy):\n    default_config = 'dino'\n\n\nclass _Hidden(Toy): pass\n"
    )
    with pytest.raises(UsageError, match="2 scenes are in it: Toy, Other"):
        read_scene(file)
    assert [card.name for card in read_scenes(file)] == ["toy:Toy", "toy:Other"]
    other = find_scene(f"{file}:Other")
    assert (other.default_config, list(other.needs)) == ("dino", ["run", "film"])
    with_options(other, {"acts": "two"})
    with pytest.raises(UsageError, match="no scene called Third"):
        read_scene(file, "Third")


def test_options_may_be_built_on_those_of_another_scene(tmp_path):
    more = "\n\nclass Other(Toy):\n    class Options(Toy.Options):\n        extra: bool = True\n"
    card = read_scene(written(tmp_path, SCENE + more), "Other")
    assert {"extra", "acts", "title"} <= set(card.options.model_fields)
    with pytest.raises(UsageError, match="must be a class of SceneOptions"):
        read_scene(written(tmp_path, SCENE + more.replace("Toy.Options", "Nowhere.Options")), "Other")


def test_reading_a_scene_loads_neither_manim_nor_torch(tmp_path):
    code = (
        f"import sys, pathlib; from diffrender.config.scene_card import read_scene\n"
        f"read_scene(pathlib.Path({str(written(tmp_path))!r}))\n"
        "sys.exit(any(m in sys.modules for m in ('manim', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_options_that_do_nothing_in_a_scene_are_refused_and_not_listed(tmp_path):
    spoilt = SCENE.replace("    shows = ", '    unused_options = ("trails", "points")\n    shows = ')
    assert spoilt != SCENE
    (tmp_path / "old").mkdir()
    card, old = read_scene(written(tmp_path, spoilt)), read_scene(written(tmp_path / "old", SCENE))
    with pytest.raises(UsageError, match=r"trails: '.*' has no such option"):
        with_options(card, {"trails": 3})
    with_options(old, {"trails": 3})
    names = [{row["name"] for row in option_rows(each)} for each in (card, old)]
    assert names[1] - names[0] == {"trails", "points"}
    with pytest.raises(UsageError, match="'paint' is none"):
        read_scene(written(tmp_path, spoilt.replace('("trails"', '("paint"')))
