"""Whatever is given for a key of a config, it is taken or refused in words for people: no name of a Python class."""

import re
from pathlib import Path
from typing import get_args

import pytest

from diffrender.config.sections import Config
from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError, DiffrenderError, UsageError
from diffrender.core.validation import validate
from diffrender.jobs.plan.subject import Subject

VALUES = [
    *(None, True, -1, 0, 1, 1e308, float("nan"), float("inf"), 10**30, "", "x", "1.5", "é" * 300, "../..", "a.b"),
    *([], [1], [[1, 2], [3]], ["x"], [None], {}, {"kind": "x"}, {"a": 1}, {1: 2}, "2026-01-01", "\udcff", ["\udcff"]),
]
LEAKS = re.compile(
    r"\w*Error\b|\bNoneType|\bndarray|\bpydantic|validation error|Traceback|Input should|<class|<function|object at 0x"
    r"|\w+Config\b|\bnp\.|\btorch\.|\bLiteral|PosixPath|unexpected keyword|positional argument|__\w+__|unhashable"
    r"|subscriptable|not iterable|\bValidationInfo"
)


def keys():
    for name, field in Config.model_fields.items():
        if not field.exclude:
            yield name
            for part in (field.annotation, *get_args(field.annotation)):
                yield from (f"{name}.{key}" for key in getattr(part, "model_fields", {}))


@pytest.mark.parametrize("key", list(keys()))
def test_a_wrong_value_is_refused_in_words(key):
    messages = [message for value in VALUES if (message := refusal(key, value))]
    assert messages, "something of all this must be wrong"
    assert [message for message in messages if LEAKS.search(message) or len(message) > 1500] == []


def refusal(key, value):
    """What is said of a value; empty if it is taken."""
    try:
        Subject.of("circle", {key: value}, Path("outputs")).sample()
    except DiffrenderError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "key",
    ["schedule.path", "model.path", "target.path", "target.file", "schedule.weights", "autoencoder.data.path"],
)
def test_a_path_that_the_system_refuses_is_refused_in_words(key):
    section = key.rpartition(".")[0]
    kind = {"target": "image_folder", "autoencoder.data": "image_folder"}.get(section, "pretrained")
    kinds = {f"{section}.kind": "drawing" if key == "target.file" else kind}
    for name in ("n" * 500, "n" * 5000, "a/" * 2040, f"./{'n' * 300}.npy", "~nobody-here/x"):
        with pytest.raises(DiffrenderError) as raised:
            Subject.of("circle", {**kinds, key: name}, Path("outputs")).sample()
        assert not LEAKS.search(str(raised.value))
        assert len(str(raised.value)) < 1500


def test_the_control_a_message_of_the_library_itself_is_seen(monkeypatch):
    monkeypatch.setattr("diffrender.core.validation.NEEDED", {})
    with pytest.raises(ConfigError) as raised:
        validate(Config, {"target": "circle", "training": {"steps": "x"}}, "a.yaml")
    assert LEAKS.search(str(raised.value))


def test_a_flag_of_the_command_line_too(capsys, monkeypatch):
    from diffrender.cli.app import app

    for flags, words in {
        ("--steps", "nan"): "a whole number is needed",
        ("--still", "2"): "must be at most 1",
        ("-O", "x"): "--option x: not of the form name=value",
        ("-O", "t=]"): "--option t:",
    }.items():
        with pytest.raises(SystemExit) as ended:
            app(["render", "langevin", "--dry-run", *flags])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert words in said
        assert not LEAKS.search(said.replace("Error: ", ""))


@pytest.mark.parametrize(
    ("name", "said"),
    [("x.gltf", "OBJ, PLY or STL"), ("x.xlsx", "CSV"), ("x.gif", "a clip"), ("x.npz", "a recording"), ("x.pdf", "SVG")],
)
def test_a_file_of_another_kind_given_as_a_config_is_told_what_to_do(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text('{"asset": {"version": "2.0"}}')
    for given in (f"./{name}", name, str(tmp_path / name)):
        with pytest.raises(UsageError) as raised:
            Subject.of(given, {}, Path("outputs"))
        assert said in raised.value.remedy


@pytest.mark.parametrize(("key", "remedy"), [("steps", "how many"), ("learning_rate", "As a fraction: 0.2.")])
def test_percent_is_a_fraction_only_where_one_can_be(key, remedy):
    with pytest.raises(ConfigError) as raised:
        Subject.of("circle", {f"training.{key}": "20%"}, Path("outputs")).train()
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: {<<: {kind: moons}}", r"line 1: merge keys \(<<\).*\nWrite out the keys"),
        ("target: !!python/object/apply:os.system [ls]", r"run code \(!!python\).*\nWrite the value itself"),
        ("target: !!set {kind, moons}", r"a tag \(!…\).*\nWrite the value itself, without"),
        ("target: &t {kind: moons}\nsource: *t", r"line 2: aliases.*\nWrite out what it stands for"),
    ],
)
def test_what_of_yaml_is_not_read_has_a_remedy(text, said, tmp_path):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_yaml(tmp_path / "a.yaml")
