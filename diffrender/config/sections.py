"""The sections of a config file, as pydantic models.

A config is a YAML file of six sections (target, model, schedule, training, sampler, record) and a seed, and of one
more, autoencoder, where the target are its latents. Every key has a default but the target. Keys that belong to one
kind of thing only (`target.turns` of a spiral, `sampler.eta` of DDIM) are checked by the registry of that thing, where
they are documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from diffrender.core.errors import ConfigError
from diffrender.core.validation import validate

CLOSED_FORMS = ("exact", "gaussian", "local")  # kinds of models that nothing has to be learned for

LATENTS = "latents"  # the target that an autoencoder makes
IMAGE_TARGETS = ("digits", "mnist", "fashion_mnist", "cifar10", "photographs", "image_folder")
FOR_IMAGES: Mapping[str, Mapping[str, Any]] = {
    "sampler": {"chains": 36},
    "record": {"keep": ("x0",), "frames": 121, "target_points": 0},
    "training": {"snapshots": 40, "snapshot_chains": 36, "snapshot_steps": 20},
}
FieldName = Literal["score", "class_score", "exact_score", "velocity", "drift"]

# what could not end, and what no machine holds, is refused at once
MOST_STEPS, MOST_CHAINS = 10_000_000, 10_000_000


class Section(BaseModel):
    """A part of a config: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)


class Kind(Section):
    """A section that names a registered thing; its other keys are that thing's parameters, checked by its registry."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    kind: str = Field(description="its name: diffrender list")

    @property
    def params(self) -> dict[str, Any]:
        """The keys that belong to the kind itself."""
        return dict(self.model_extra or {})


class TargetConfig(Kind):
    """What is to be learned or sampled: a density in closed form, points, a drawing, images."""


class ModelConfig(Kind):
    """What predicts the noise: a network (`mlp`), a formula of the target (`exact`, …), or a `pretrained` model."""

    kind: str = Field("mlp", description="a network, or exact, gaussian, local, hybrid, pretrained")

    @property
    def learned(self) -> bool:
        """Whether it must be trained before it can be sampled."""
        return self.kind not in (*CLOSED_FORMS, "pretrained")


class ScheduleConfig(Kind):
    """The table of noise levels."""

    kind: str = Field("squaredcos_cap_v2", description="its name: diffrender list schedules")
    num_train_timesteps: int = Field(1000, ge=1, le=100_000, description="levels of the table, the clean one apart")


class OptimiserConfig(Section):
    """How weights are found: batches, the learning rate over the run, and their moving average."""

    batch_size: int = Field(256, ge=1, le=MOST_CHAINS, description="examples in each")
    learning_rate: float = Field(2e-3, gt=0, description="of Adam, at its highest")
    lr_scheduler: Literal["cosine", "constant", "wsd"] = Field(
        "cosine", description="after a short rise: half a cosine to 0, or constant; wsd falls to 0 over the last 40 %"
    )
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the average of the weights that is sampled")
    ema_power: float | None = Field(
        None, gt=0, description="average weights as t^ema_power instead: over a fixed share of the run, however long"
    )


class AutoencoderConfig(OptimiserConfig, Kind):
    """Networks that turn images into a few numbers and back, and how they are trained; `latents` are their codes."""

    kind: str = Field("vae", description="a network of diffrender list autoencoders")
    data: TargetConfig = Field(description="the images: any target of images")
    labels: bool = Field(False, description="also learn to tell the class from the code, which parts the classes")
    epochs: int = Field(20, ge=1, le=100_000, description="times that every image is seen")
    ema_power: float | None = Field(
        7.0, gt=0, description="average weights as t^ema_power, over a fixed share of the run"
    )

    @field_validator("data", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`data: mnist` is short for `data: {kind: mnist}`."""
        return {"kind": value} if isinstance(value, str) else value


class TrainingConfig(OptimiserConfig):
    """How a network is trained."""

    steps: int = Field(6000, ge=1, le=MOST_STEPS, description="updates of the weights")
    objective: str = Field("edm", description="what the network learns: diffrender list objectives")
    coupling: Literal["independent", "ot"] = Field(
        "independent", description="which noise is trained with which data: any, or by optimal transport in each batch"
    )
    reflow: int = Field(
        0, ge=0, le=5, description="how often the flow is rectified: trained anew on noise and what it became of it"
    )
    p_mean: float = Field(-1.2, description="of 'edm': mean of log(sigma / alpha), in units of the data's deviation")
    p_std: float = Field(1.2, gt=0, description="of 'edm': its standard deviation")
    data_size: int = Field(
        50_000, ge=1, le=MOST_CHAINS, description="points drawn from the target once, before training"
    )
    label_dropout: float = Field(
        0.0, ge=0, le=1, description="share of examples whose class is hidden, for classifier-free guidance"
    )
    snapshots: int = Field(80, ge=0, le=10_000, description="how often samples are drawn while training, at most")
    snapshot_chains: int = Field(800, ge=1, le=MOST_CHAINS, description="samples of a snapshot")
    snapshot_steps: int = Field(12, ge=1, le=MOST_STEPS, description="sampling steps of a snapshot, by DPM-Solver++ 2M")


class SamplerConfig(Kind):
    """How chains move: steps and chains for every sampler, the rest belongs to its kind."""

    kind: str = Field("ddpm", description="its name: diffrender list samplers")
    steps: int = Field(100, ge=1, le=MOST_STEPS, description="sampling steps")
    evaluations: int | None = Field(
        None, ge=1, le=10_000, description="network calls of a run: as many steps as they allow, whatever `steps` says"
    )
    chains: int = Field(1500, ge=1, le=MOST_CHAINS, description="points, or images, that move side by side")
    timestep_spacing: Literal["", "leading", "trailing", "linspace", "karras", "log_snr", "angle"] = Field(
        "", description="how the levels of a run are chosen from the schedule: '' for what suits the sampler"
    )
    start: str = Field(
        "", description="where chains start: '' for its own way, else noise|target|flow|grid|point|slerp|lerp"
    )
    guidance_scale: float = Field(1.0, ge=0, description="of classifier-free guidance; 1 is none, 0 knows no class")
    guidance_interval: tuple[float, float] | None = Field(
        None,
        description="sigma / alpha from and to which guidance acts, if not at all levels; elsewhere scale 1",
    )
    autoguidance: dict[Literal["model", "training"], dict[str, Any]] | None = Field(
        None,
        description="guide by a worse network, not by no class: where it differs, as in {training: {steps: 300}}",
    )
    classes: tuple[int | str, ...] | None = Field(None, description="of the chains, in turn; all if not given")
    seed: int | None = Field(None, ge=0, lt=2**63, description="of the chains; the config's own seed if not given")

    @property
    def asks_model(self) -> bool:
        """Whether a model is needed: the forward process adds noise, and predicts nothing."""
        return self.kind != "forward"


class RecordConfig(Section):
    """What is kept of a run, beside its states."""

    keep: tuple[Literal["x0", "eps", "drift", "noise"], ...] = Field(
        ("x0", "eps", "drift", "noise"),
        description="predictions and parts of each move that are kept beside the states",
    )
    every: int = Field(1, ge=1, description="keep each k-th state; first and last always")
    frames: int | None = Field(None, ge=2, description="keep at most so many states instead, even in log-SNR")
    nearest: bool | None = Field(None, description="the nearest image to each sample; if not said, where it is cheap")
    target_points: int = Field(4000, ge=0, le=MOST_CHAINS, description="reference data that are kept with the run")
    metric_points: int = Field(
        2000, ge=100, le=100_000, description="points whose distance to the data is measured at every kept state"
    )
    budgets: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        (), description="network calls with each of which the same noise is sampled once more, to its end"
    )
    fields: tuple[FieldName, ...] = Field((), description="vector fields probed on a grid at every kept level")
    grid: tuple[int, int] = Field((30, 20), description="columns and rows of that grid")
    density_grid: tuple[int, int] = Field((160, 160), description="columns and rows of the density's grid")
    density: bool = Field(False, description="the target's density on a grid")
    posterior: bool = Field(False, description="p(x_0 | x_t) of one chain at every kept state, and its covariance")
    moves: tuple[str, ...] = Field((), description="samplers whose single move from each kept state is recorded too")
    collapse: bool = Field(False, description="where everything goes if the reverse process is left its noise out")
    classes: bool = Field(False, description="of a mixture: p(class | x_t), and the fixed points of the score")
    tilted: bool = Field(False, description="of guidance in the plane: the density that it claims to sample, on a grid")
    log_p: bool = Field(False, description="log p along the probability flow, and the Jacobian of the flow")
    decoded: int = Field(12, ge=0, description="of latents: so many chains are decoded to images in every kept state")
    box: tuple[float, float, float, float] | None = Field(None, description="x0, x1, y0, y1 of what is probed")

    @model_validator(mode="after")
    def _one_way(self) -> RecordConfig:
        if self.frames is not None and self.every != 1:
            raise ValueError("'every' and 'frames' both say which states are kept: give one of them")
        return self


class Config(Section):
    """A whole config.

    source: the file it came from, against whose folder it names files. autoencoder_file: where the trained autoencoder
    of its latents lies, once there is one.
    """

    title: str = Field("", description="of videos, if the scene has none")
    target: TargetConfig
    autoencoder: AutoencoderConfig | None = Field(None, description="with the target `latents` alone")
    model: ModelConfig = ModelConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    training: TrainingConfig = TrainingConfig()
    sampler: SamplerConfig = SamplerConfig()
    record: RecordConfig = RecordConfig()
    seed: int = Field(0, ge=0, lt=2**63, description="of all randomness")
    source: Path | None = Field(None, exclude=True, repr=False)
    autoencoder_file: Path | None = Field(None, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _fewer_images(cls, data: Any) -> Any:
        """Where states are images, what is not said is said for some tens of them, not for thousands of points."""
        target = data.get("target") if isinstance(data, dict) else None
        kind = target.get("kind") if isinstance(target, dict) else target
        if kind not in IMAGE_TARGETS:
            return data
        filled = dict(data)
        for name, defaults in FOR_IMAGES.items():
            given = data.get(name, {})
            given = {"kind": given} if isinstance(given, str) else given
            if isinstance(given, dict):
                mine = {k: v for k, v in defaults.items() if k != "frames" or "every" not in given}
                filled[name] = mine | given
        return filled

    @field_validator("target", "model", "schedule", "sampler", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`target: spiral` is short for `target: {kind: spiral}`."""
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _latents(self) -> Config:
        """Latents are those of an autoencoder, and an autoencoder is there for its latents."""
        if (self.target.kind == LATENTS) != (self.autoencoder is not None):
            raise ValueError(
                "'target: latents' and a section 'autoencoder' go together, as in configs/latent-digits.yaml"
            )
        return self

    @property
    def network(self) -> Config:
        """The config by which weights are trained: of a hybrid model that of its network alone, else this one."""
        if self.model.kind != "hybrid":
            return self
        given = self.model.params.get("network")
        if not isinstance(given, (str, dict)):
            raise ConfigError(
                "model.network: a hybrid model needs the network that goes on where its local denoiser ends.",
                "Example: model: {kind: hybrid, network: {kind: unet, conditional: true}}",
            )
        network = validate(ModelConfig, {"kind": given} if isinstance(given, str) else given, "model.network")
        return self.model_copy(update={"model": network})

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


def section_model(name: str) -> type[BaseModel] | None:
    """The model of a section of the config, also of one that may be left out; None for a plain value."""
    field = Config.model_fields.get(name)
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


TRAINING_SECTIONS = ("target", "autoencoder", "model", "schedule", "training", "seed")
AUTOENCODER_SECTIONS = ("autoencoder", "seed")
