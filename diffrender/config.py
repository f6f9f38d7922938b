"""What a config file may say, and how it is read.

A config is a YAML file of six sections (target, model, schedule, training, sampler, record) and a seed. Every key has a
default but the target. Keys that belong to one kind of thing only (`target.turns` of a spiral, `sampler.eta` of DDIM)
are checked by the registry of that thing, where they are documented.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from .checking import validate
from .errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
# as configs/dino.yaml
FOR_DRAWINGS = {"model": {"kind": "mlp", "width": 160, "bands": 6}, "training": {"steps": 10_000}}
DRAWINGS = (".svg", ".png", ".jpg", ".jpeg", ".csv", ".tsv", ".obj", ".ply", ".off", ".stl", ".xyz", ".npy")


class Section(BaseModel):
    """A part of a config: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)


class Kind(Section):
    """A section that names a registered thing; its other keys are that thing's parameters, checked by its registry."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    kind: str

    @property
    def params(self) -> dict[str, Any]:
        """The keys that belong to the kind itself."""
        return dict(self.model_extra or {})


class Target(Kind):
    """What is to be learned or sampled: a density in closed form, points, a drawing, images."""


class Model(Kind):
    """What predicts the noise: a network (`mlp`), or `exact`, the closed form for the target."""

    kind: str = "mlp"

    @property
    def learned(self) -> bool:
        """Whether it must be trained before it can be sampled."""
        return self.kind != "exact"


class Schedule(Kind):
    """The table of noise levels."""

    kind: str = "squaredcos_cap_v2"
    num_train_timesteps: int = Field(1000, ge=1, le=100_000)


class Training(Section):
    """How a network is trained."""

    steps: int = Field(6000, ge=1)
    batch_size: int = Field(256, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)
    objective: str = "edm"
    data_size: int = Field(50_000, ge=1, description="points drawn from the target once, before training")
    label_dropout: float = Field(0.0, ge=0, le=1)
    snapshots: int = Field(80, ge=0, description="how often samples are drawn while training, for the training film")
    snapshot_chains: int = Field(1500, ge=1)
    snapshot_steps: int = Field(30, ge=1)


class Sampler(Kind):
    """How chains move: steps and chains for every sampler, the rest belongs to its kind."""

    kind: str = "ddpm"
    steps: int = Field(250, ge=1)
    chains: int = Field(5000, ge=1)
    timestep_spacing: Literal["leading", "trailing", "linspace"] = "linspace"
    start: str = Field("", description="where chains start: '' for the sampler's own way, else noise|target|grid|point")
    guidance_scale: float = Field(1.0, ge=0)
    seed: int | None = Field(None, ge=0, lt=2**63, description="of the chains; the config's own seed if not given")

    @property
    def asks_model(self) -> bool:
        """Whether a model is needed: the forward process adds noise, and predicts nothing."""
        return self.kind != "forward"


class Record(Section):
    """What is kept of a run, beside its states."""

    keep: tuple[Literal["x0", "eps", "drift", "noise"], ...] = ("x0", "eps", "drift", "noise")
    every: int = Field(1, ge=1, description="keep each k-th state; first and last always")
    target_points: int = Field(4000, ge=0)
    fields: tuple[str, ...] = Field((), description="score, drift, velocity or exact_score, probed on a grid")
    grid: tuple[int, int] = (30, 20)
    density_grid: tuple[int, int] = (160, 160)
    density: bool = Field(False, description="the target's density on a grid")
    box: tuple[float, float, float, float] | None = Field(None, description="x0, x1, y0, y1 of what is probed")


class Config(Section):
    """A whole config. `source` is the file it came from, against whose folder it names files."""

    title: str = ""
    target: Target
    model: Model = Model()
    schedule: Schedule = Schedule()
    training: Training = Training()
    sampler: Sampler = Sampler()
    record: Record = Record()
    seed: int = Field(0, ge=0, lt=2**63)
    source: Path | None = Field(None, exclude=True, repr=False)

    @field_validator("target", "model", "schedule", "sampler", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`target: spiral` is short for `target: {kind: spiral}`."""
        return {"kind": value} if isinstance(value, str) else value

    @property
    def sampling_seed(self) -> int:
        """The seed of the chains: `sampler.seed`, or the config's."""
        return self.seed if self.sampler.seed is None else self.sampler.seed

    @property
    def folder(self) -> Path:
        """Where relative files in the config are looked for first."""
        return self.source.parent if self.source else Path.cwd()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-able data, as recorded in every output."""
        return self.model_dump(mode="json")

    def part(self, *sections: str) -> dict[str, Any]:
        """Some of the sections, for content keys."""
        return {k: v for k, v in self.as_dict().items() if k in sections}


TRAINING_SECTIONS = ("target", "model", "schedule", "training", "seed")
SAMPLING_SECTIONS = (*TRAINING_SECTIONS, "sampler", "record")


def digest(data: Any) -> str:
    """SHA-256 of data as canonical JSON, hexadecimal."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


# ---- YAML ----------------------------------------------------------------------------------------------------------
class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (a few lines of them can fill the memory), without repeated keys, and not too deep."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read here", problem_mark=self.peek_event().start_mark
            )
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.peek_event().start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"keys must be text, not {key!r}", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key '{key}' stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 1e3 and 2e-4 as text; everyone who writes a learning rate means a number
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError naming file and line if it is not one."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than a config may be ({MAX_BYTES:,} bytes).")
        data = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a config is a mapping of sections; this is {type(data).__name__}.")
    return data


def parse_set(text: str) -> tuple[list[str], Any]:
    """`a.b=c` of --set → (["a", "b"], value), the value read as YAML."""
    key, equals, value = text.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise ConfigError(f"--set {text}: not of the form section.key=value.", "Example: --set training.steps=2000")
    try:
        return path, yaml.load(value, Loader=_Loader)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: '{value}' is not a YAML value.") from None


def merged(data: Mapping[str, Any], overrides: Iterable[tuple[list[str], Any]]) -> dict[str, Any]:
    """A copy of `data` with each (path, value) put in; a section written short (`target: spiral`) is opened.

    Another `kind` drops the parameters that belonged to the former one.
    """
    out = json.loads(json.dumps(data, default=str))
    for path, value in overrides:
        here = out
        for name in path[:-1]:
            below = here.get(name)
            if isinstance(below, str):
                below = {"kind": below}
            elif below is None:
                below = {}
            elif not isinstance(below, dict):
                raise ConfigError(f"--set {'.'.join(path)}: '{name}' is a value, not a section.")
            here[name] = below
            here = below
        if path[1:] == ["kind"] and here.get("kind") != value:
            own = Config.model_fields[path[0]].annotation if path[0] in Config.model_fields else None
            kept = getattr(own, "model_fields", {})
            for name in set(here) - set(kept):  # parameters of the former kind
                del here[name]
        here[path[-1]] = value
    return out


def load_config(path: Path, overrides: Iterable[tuple[list[str], Any]] = ()) -> Config:
    """The config in a YAML file, or the default config of a drawing, mesh or point file.

    Raises ConfigError naming the file, the key, and what to do.
    """
    if path.suffix.lower() in DRAWINGS:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file.")
        target = {"kind": "drawing", "file": str(path.resolve())}
        data: dict[str, Any] = {"title": path.stem, "target": target, **FOR_DRAWINGS}
    else:
        data = read_yaml(path)
    if "source" in data:
        raise ConfigError(f"{path}: unknown key 'source'.")
    given = list(overrides)
    try:
        config = validate(Config, merged(data, given), str(path))
    except ConfigError as error:  # blame the flag, if the file alone reads
        validate(Config, data, str(path))
        flags = " ".join(f"--set {'.'.join(keys)}={value}" for keys, value in given)
        raise ConfigError(error.problem.replace(f"{path}:", f"With {flags}:", 1), error.remedy) from None
    return config.model_copy(update={"source": path.resolve()})
