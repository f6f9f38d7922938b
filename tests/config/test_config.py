"""Configs: what may be said, and how wrong ones are refused."""

from pathlib import Path

import pytest

from diffrender.config import load
from diffrender.config.find import configs, open_config
from diffrender.config.load import load_config
from diffrender.config.overrides import combined, flattened, parse_set, parse_sets
from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def _write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return _write


def test_short_sections_and_overrides(write):
    path = write("target: spiral\nsampler: ddim\ntraining: {steps: 1e3, learning_rate: 2e-3}\n")
    config = load_config(path, parse_sets(["sampler.eta=0.5", "target.turns=3"]))
    assert (config.target.kind, config.target.params) == ("spiral", {"turns": 3})
    assert (config.sampler.kind, config.sampler.params) == ("ddim", {"eta": 0.5})
    assert config.training.steps == 1000
    assert config.training.learning_rate == 0.002


def test_another_kind_drops_the_parameters_of_the_first(write):
    path = write("target: {kind: spiral, turns: 3}\n")
    assert load_config(path, {"target.kind": "circle"}).target.params == {}


def test_another_sampler_keeps_what_all_samplers_have(write):
    path = write("target: spiral\nmodel: {kind: mlp, width: 64}\nsampler: {kind: ddim, eta: 0.5, steps: 7}\n")
    config = load_config(path, {"sampler.kind": "heun", "model.kind": "exact"})
    assert (config.sampler.params, config.sampler.steps, config.model.params) == ({}, 7, {})


def test_a_kind_that_comes_later_drops_what_was_set_before_it_and_keeps_what_is_set_after(write):
    path = write("target: spiral\nsampler: {kind: ddpm}\n")
    first = combined({"sampler.kind": "ddim", "sampler.eta": 0.5}, {"sampler.kind": "heun"})
    assert list(first) == ["sampler.eta", "sampler.kind"]
    assert load_config(path, first).sampler.params == {}
    after = combined({"sampler.kind": "heun"}, {"sampler.kind": "ddim", "sampler.eta": 0.5})
    assert load_config(path, after).sampler.params == {"eta": 0.5}


def test_nested_overrides_are_flattened():
    assert flattened({"a": {"b": 1, "c.d": 2}, "e": [1]}) == {"a.b": 1, "a.c.d": 2, "e": [1]}


def test_a_config_is_parsed_once_checked_once_for_each_set_of_overrides_and_read_anew_when_it_changed(
    write, monkeypatch
):
    parsed = []
    monkeypatch.setattr(load, "read_yaml", lambda path: parsed.append(path) or read_yaml(path))
    path = write("target: spiral\nseed: 5\n")
    assert load_config(path).seed == 5
    assert load_config(path, {"seed": 6}).seed == 6
    assert load_config(path, {"seed": 6}) is load_config(path, {"seed": 6})
    assert len(parsed) == 1
    write("target: spiral\nseed: 7\n")
    assert load_config(path).seed == 7
    assert len(parsed) == 2, "the control: another file is another reading"


def test_the_same_text_in_another_folder_is_another_config(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.yaml").write_text("target: spiral\n")
        monkeypatch.chdir(tmp_path / name)
        assert load_config(Path("mine.yaml")).folder == tmp_path / name


def test_sections_alone_are_what_the_whole_config_says_of_them(write):
    path = write("target: spiral\nsampler: ddim\ntraining: {steps: 7}\n")
    whole = load_config(path, {"sampler.eta": 0.5})
    for sections in (("sampler", "record"), ("target", "model", "schedule", "training", "seed")):
        assert load.read_sections(path, {"sampler.eta": 0.5}, sections) == whole.part(*sections)
    assert load.read_sections(path, {"sampler.steps": "many"}, ("sampler",)) is None


def test_a_drawing_is_a_config(tmp_path):
    path = tmp_path / "cat.svg"
    path.write_text("<svg/>")
    assert load_config(path).target.params["file"] == str(path.resolve())


@pytest.mark.parametrize("name", sorted(configs()))
def test_every_shipped_config_reads(name):
    assert open_config(name).target.kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: spiral\ntraining: {stesp: 3}", ["mine.yaml", "'training.stesp'", "Did you mean 'steps'?"]),
        ("target: spiral\ntrainings: {}", ["'trainings'", "Did you mean 'training'?"]),
        ("target: spiral\ntraining: {steps: many}", ["training.steps", "line 2", "whole number", "'many'"]),
        ("target: spiral\ntraining: {steps: -5}", ["training.steps", "-5"]),
        ("target: spiral\nseed: .nan", ["seed"]),
        ("target:\n  kind: gaussian_mixture\n  weights: [1, .nan]", ["line 3", "target.weights.1", "finite number"]),
        ("target: {kind: spiral, noise: .inf}", ["target.noise", "finite number"]),
        ("training: {steps: 3}", ["'target' is missing"]),
        ("- 1\n- 2", ["a mapping", "list"]),
        ("a: &x [1]\nb: *x", ["line 2", "aliases"]),
        ("target: spiral\ntarget: circle", ["line 2", "stands twice"]),
        ("a: " + "[" * 50 + "]" * 50, ["nested too deeply"]),
        ("target: {kind: !!python/object/apply:os.system ['x']}", ["mine.yaml"]),
        ("target: [", ["mine.yaml", "line"]),
        ("", ["is empty", "target: spiral"]),
        ("target: spiral\ntraining:\n\tsteps: 3", ["line 3", "a tab", "Indent with blanks"]),
        ("title: A: B\ntarget: spiral", ["line 1", "second colon", "in quotes"]),
        ("title: 'A\ntarget: spiral\n", ["line 1", "a quote that is not closed"]),
        ("title: @a\ntarget: spiral", ["line 1", "keeps for itself", "in quotes"]),
        ("target: spiral\n---\nseed: 1", ["line 2", "a second document"]),
        ('target: {kind: drawing, file: "C:\\Users"}', ["backslash in double quotes", "single quotes"]),
        ("target: spiral\nseed: -010", ["-010 is an octal number", "write -10"]),
        ("target: spiral\ntraining: {learning_rate: 0,001}", ["not 001", "a decimal has a point"]),
        ("target: spiral\ntraining: {learning_rate: 0,5}", ["not 5", "a decimal has a point"]),
        ("target: spiral\ntraining:\n  learning_rate: 0,5", ["With a decimal point: 0.5"]),
        ("target: spiral\ntraining:\n  steps: 1,000", ["Without marks of thousands: 1000"]),
        ("target: spiral\ntraining: {learning_rate: 5%}", ["As a fraction: 0.05"]),
        ("target: spiral\nseed:", ["got nothing"]),
        ("Target: spiral", ["unknown key 'Target'", "Did you mean 'target'?"]),
    ],
)
def test_a_wrong_config_is_refused_with_file_and_key(write, text, said):
    with pytest.raises(ConfigError) as caught:
        load_config(write(text))
    for part in said:
        assert part in str(caught.value)
    assert caught.value.exit_code == 2


def test_binary_and_huge_files_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        load_config(path)
    path.write_bytes(b"# " + b"x" * 1_100_000)
    with pytest.raises(ConfigError, match="larger"):
        load_config(path)


@pytest.mark.parametrize("text", ["training.steps", "=3", ".=3", "a..b=3"])
def test_a_malformed_set_says_how(text):
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        parse_set(text)
