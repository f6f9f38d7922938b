"""Configs: what may be said, and how wrong ones are refused."""

import pytest

from diffrender.config.find import configs, open_config
from diffrender.config.load import load_config
from diffrender.config.overrides import parse_set
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
    config = load_config(path, [parse_set("sampler.eta=0.5"), parse_set("target.turns=3")])
    assert (config.target.kind, config.target.params) == ("spiral", {"turns": 3})
    assert (config.sampler.kind, config.sampler.params) == ("ddim", {"eta": 0.5})
    assert config.training.steps == 1000
    assert config.training.learning_rate == 0.002


def test_another_kind_drops_the_parameters_of_the_first(write):
    path = write("target: {kind: spiral, turns: 3}\n")
    assert load_config(path, [parse_set("target.kind=circle")]).target.params == {}


def test_another_sampler_keeps_what_all_samplers_have(write):
    path = write("target: spiral\nmodel: {kind: mlp, width: 64}\nsampler: {kind: ddim, eta: 0.5, steps: 7}\n")
    config = load_config(path, [parse_set("sampler.kind=heun"), parse_set("model.kind=exact")])
    assert (config.sampler.params, config.sampler.steps, config.model.params) == ({}, 7, {})


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
        ("target: spiral\ntraining: {steps: many}", ["training.steps", "integer", "'many'"]),
        ("target: spiral\ntraining: {steps: -5}", ["training.steps", "-5"]),
        ("target: spiral\nseed: .nan", ["seed"]),
        ("training: {steps: 3}", ["'target' is missing"]),
        ("- 1\n- 2", ["a mapping", "list"]),
        ("a: &x [1]\nb: *x", ["line 2", "aliases"]),
        ("target: spiral\ntarget: circle", ["line 2", "stands twice"]),
        ("a: " + "[" * 50 + "]" * 50, ["nested too deeply"]),
        ("target: {kind: !!python/object/apply:os.system ['x']}", ["mine.yaml"]),
        ("target: [", ["mine.yaml", "line"]),
        ("", ["a mapping"]),
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
