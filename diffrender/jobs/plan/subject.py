"""A config by its name, with overrides: the jobs that train and sample it, and where their outputs go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from diffrender.config import pretrained
from diffrender.config.datasets import image_content
from diffrender.config.find import configs, find_config, find_file
from diffrender.config.load import load_config
from diffrender.config.overrides import Overrides
from diffrender.config.sections import TRAINING_SECTIONS, Config
from diffrender.config.shipped_weights import shipped_weights
from diffrender.core import provenance
from diffrender.core.errors import UsageError
from diffrender.core.files import digest, file_digest
from diffrender.jobs.job import Job

OUTPUTS = Path("outputs")
FILE_KEYS = ("file", "weights")  # config keys whose value may be a file


@dataclass(frozen=True)
class Subject:
    """A config by its name, with overrides, and the folder of its outputs.

    Overrides that change what is learned get a folder of their own (`spiral-1a2b3c`), those that change the sampling
    only a recording of their own (`ddim-4d5e6f.npz`): nothing made with other settings is lost.
    """

    name: str
    file: Path
    sets: tuple[tuple[tuple[str, ...], Any], ...] = ()
    outputs: Path = OUTPUTS

    @classmethod
    def of(cls, name: str, sets: Overrides | None = None, outputs: Path = OUTPUTS) -> Subject:
        """The subject called `name` (a config's name, its path, or a drawing)."""
        file = find_config(name)
        return cls(file.stem, file, tuple((tuple(path), value) for path, value in sets or []), outputs)

    def for_scene(self, defaults: Overrides, fixed: Overrides) -> Subject:
        """The same as a scene needs it: what the user set goes over its `defaults`, its `fixed` keys go over both."""
        before, after = (tuple((tuple(path), value) for path, value in some) for some in (defaults, fixed))
        return Subject(self.name, self.file, before + self.sets + after, self.outputs)

    @cached_property
    def config(self) -> Config:
        """The resolved config."""
        return load_config(self.file, [(list(path), value) for path, value in self.sets])

    @cached_property
    def plain(self) -> Config:
        """The config as it stands in its file."""
        return load_config(self.file)

    @cached_property
    def folder(self) -> Path:
        """Where outputs of this subject go."""
        mine, file = (c.part(*TRAINING_SECTIONS) for c in (self.config, self.plain))
        return self.outputs / (self.name if mine == file else f"{self.name}-{digest(mine)[:6]}")

    @cached_property
    def recording(self) -> Path:
        """The file of its recording."""
        mine = self.config.part("sampler", "record")
        kind = self.config.sampler.kind
        usual = load_config(self.file, [(["sampler", "kind"], kind)]).part("sampler", "record")
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in kind)
        return self.folder / (f"{safe}.npz" if mine == usual else f"{safe}-{digest(mine)[:6]}.npz")

    def _content(self, sections: tuple[str, ...]) -> dict[str, Any]:
        """Sections for a content key, with files replaced by the digests of their bytes."""
        data = self.config.part(*sections)
        for section in data.values():
            for name in FILE_KEYS:
                if isinstance(section, dict) and isinstance(section.get(name), str):
                    section[name] = file_digest(find_file(section[name], self.config.folder))
        if "target" in data:
            data["target"] |= image_content(self.config.target, self.config.folder)
        for section in ("target", "model", "schedule"):
            if section in data:
                data[section] |= pretrained.content(data[section])
        return data

    def train(self, *, device: str = "auto", resume: bool = False, kind: str = "") -> Job:
        """The job that trains its network; `kind`: of the run that it is trained for, checked before."""
        if self.config.network is not self.config:
            alone = (("model",), self.config.network.model.model_dump(mode="json"))
            return replace(self, sets=(*self.sets, alone)).train(device=device, resume=resume, kind=kind)
        if not self.config.model.learned:
            named = configs().get(self.name) == self.file
            raise UsageError(
                f"{self.file}: 'model: {self.config.model.kind}' has nothing to train.",
                f"Sample it at once: diffrender sample {self.name if named else self.file}",
            )
        key = digest({"train": self._content(TRAINING_SECTIONS), "versions": provenance.versions("torch")})
        return Job(
            "train",
            f"train {self.name}",
            self.folder / "model.safetensors",
            key,
            {
                "config": self.config.as_dict(),
                "source": str(self.file.resolve()),
                "device": device,
                "resume": resume,
                "kind": kind,
            },
            also=(self.folder / "training.npz",),
        )

    def sample(self, *, device: str = "auto", out: Path | None = None, kind: str = "") -> Job:
        """The job that records a run of its sampler; needs the training if the model is learned.

        Weights that are shipped stand in for those that were never trained here. kind: what kind of run it must be
        (reverse, langevin, …), checked before anything is trained.
        """
        learned = self.config.model.learned and self.config.sampler.asks_model
        training = self.train(device=device, resume=True, kind=kind) if learned else None
        shipped = shipped_weights(self.config.network) if training and not training.out.is_file() else None
        needs = (training,) if training and not shipped else ()
        weights = shipped or (training.out if training else None)
        own = ("model", "target") if self.config.model.kind == "hybrid" else ()  # more than the weights
        key = digest(
            {
                "sample": self._content((*TRAINING_SECTIONS, "sampler", "record"))
                if not needs
                else self._content(("sampler", "record", *own)),
                "upstream": [file_digest(shipped)] if shipped else [job.key for job in needs],
                "versions": provenance.versions("torch"),
            }
        )
        return Job(
            "sample",
            f"sample {self.name} ({(out or self.recording).stem})",
            out or self.recording,
            key,
            {
                "config": self.config.as_dict(),
                "source": str(self.file.resolve()),
                "device": device,
                "weights": str(weights) if weights else None,
                "kind": kind,
            },
            needs,
        )
