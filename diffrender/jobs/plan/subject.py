"""A subject: a config by its name, with overrides; the jobs that train and sample it, and where their outputs go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import getitem
from pathlib import Path
from typing import Any

from diffrender.config.datasets import image_content
from diffrender.config.find import configs, find_config, find_file, find_folder
from diffrender.config.load import load_config, read_sections
from diffrender.config.overrides import Overrides, combined, flattened
from diffrender.config.pretrained import folder_of
from diffrender.config.scene_modules import scene_modules
from diffrender.config.sections import AUTOENCODER_SECTIONS, TRAINING_SECTIONS, Config
from diffrender.config.shipped_weights import shipped_autoencoder, shipped_weights
from diffrender.core.errors import UsageError
from diffrender.core.files import digest
from diffrender.core.user_code import file_of, is_code, short_name
from diffrender.jobs.job import Job

OUTPUTS = Path("outputs")
FILE_KEYS = ("file", "weights")  # config keys whose value may be a file
FOLDER_KEY = "path"  # of images that lie in a folder, and of a pretrained model that does
ALL_SECTIONS = (*TRAINING_SECTIONS, "sampler", "record")


@dataclass(frozen=True)
class Subject:
    """A config by its name, with overrides, and the folder of its outputs.

    Overrides that change what is learned get a folder of their own (`spiral-1a2b3c`), those that change the sampling
    only a recording of their own (`ddim-4d5e6f.npz`): nothing made with other settings is lost.
    """

    name: str
    file: Path
    overrides: Overrides = field(default_factory=dict)
    outputs: Path = OUTPUTS

    @classmethod
    def of(cls, name: str, overrides: Overrides | None = None, outputs: Path = OUTPUTS) -> Subject:
        """The subject called `name` (a config's name, its path, or a drawing)."""
        file = find_config(name)
        return cls(file.stem, file, dict(overrides or {}), outputs)

    def for_scene(self, defaults: Overrides, fixed: Overrides) -> Subject:
        """The same as a scene needs it: what the user set goes over its `defaults`, its `fixed` keys go over both."""
        return replace(self, overrides=combined(defaults, self.overrides, fixed))

    @cached_property
    def config(self) -> Config:
        """The resolved config."""
        return load_config(self.file, self.overrides)

    @cached_property
    def folder(self) -> Path:
        """Where outputs of this subject go."""
        return self._folder(TRAINING_SECTIONS)

    def _folder(self, sections: tuple[str, ...]) -> Path:
        """The folder of what these sections decide: another one for every way in which they differ from the file's."""
        mine = self.config.part(*sections)
        own = mine == read_sections(self.file, {}, sections)
        return self.outputs / (self.name if own else f"{self.name}-{digest(mine)[:6]}")

    @cached_property
    def recording(self) -> Path:
        """The file of its recording."""
        kind, sections = self.config.sampler.kind, ("sampler", "record")
        mine = self.config.part(*sections)
        usual = read_sections(self.file, {"sampler.kind": kind}, sections)
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in short_name(kind))
        return self.folder / (f"{safe}.npz" if mine == usual else f"{safe}-{digest(mine)[:6]}.npz")

    def _content(self, *sections: str) -> dict[str, Any]:
        """Sections for a content key, without the names of files: their bytes are inputs."""
        data = self.config.part(*sections)
        for key in self._named_files(*sections):
            *place, name = key.split(".")
            reduce(getitem, place, data).pop(name)
        if "target" in data:
            data["target"] |= image_content(self.config.target, self.config.folder)
        if autoencoder := data.get("autoencoder"):
            assert self.config.autoencoder
            autoencoder["data"] |= image_content(self.config.autoencoder.data, self.config.folder)
        return data

    def _named_files(self, *sections: str) -> dict[str, str]:
        """Files that the config names: key → name as written, `{"target.file": "cat.svg"}`."""
        return {
            f"{section}.{key}": values[key]
            for section, values in self._kinds(*sections)
            for key in (*FILE_KEYS, *([FOLDER_KEY] if _is_folder(values) else []))
            if isinstance(values.get(key), str)
        }

    def _kinds(self, *sections: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The sections with their values, and what an autoencoder is trained on as `autoencoder.data`."""
        for section, values in self.config.part(*sections).items():
            if isinstance(values, dict):
                yield section, values
                if section == "autoencoder":
                    yield "autoencoder.data", values["data"]

    def _files(self) -> dict[str, Path]:
        """Where they are."""
        return {
            key: (find_folder if key.endswith(f".{FOLDER_KEY}") else find_file)(name, self.config.folder)
            for key, name in self._named_files(*ALL_SECTIONS).items()
        }

    def code_names(self) -> dict[str, str]:
        """What the config takes from Python files, by section: `{"sampler": "./mine.py:leapfrog"}`."""
        config = self.config
        named = {
            "target": config.target.kind,
            "model": config.network.model.kind,
            "schedule": config.schedule.kind,
            "training": config.training.objective,
            "sampler": config.sampler.kind,
        }
        if config.autoencoder:
            named |= {"autoencoder": config.autoencoder.kind, "autoencoder.data": config.autoencoder.data.kind}
        return {section: name for section, name in named.items() if is_code(name)}

    def code(self, *sections: str) -> dict[str, Path]:
        """These Python files as they are written in the config, and where they are."""
        counted = sections or ALL_SECTIONS
        names = [name for section, name in self.code_names().items() if section.split(".")[0] in counted]
        return {file_of(name): find_file(file_of(name), self.config.folder) for name in names}

    def code_files(self) -> list[Path]:
        """All of them, with the modules beside them that they import."""
        return [module for file in self.code().values() for module in scene_modules(file)]

    def _code_inputs(self, *sections: str) -> tuple[dict[str, str], dict[str, Path]]:
        """(file as written → the input that it is; the inputs: these files and the modules beside them)."""
        places: dict[str, str] = {}
        inputs: dict[str, Path] = {}
        for number, (written, file) in enumerate(self.code(*sections).items()):
            for module in scene_modules(file):
                inputs[f"code/{number}/{module.relative_to(file.parent).with_suffix('').as_posix()}"] = module
            places[written] = f"code/{number}/{file.stem}"
        return places, inputs

    def _settings(
        self, device: str, run_kind: str, shows: Sequence[str], code: dict[str, str], *counted: str
    ) -> dict[str, Any]:
        """Settings of a job: `content` is what decides its output, the rest is recorded with it, or says how."""
        return {
            "content": self._content(*counted),
            "config": self.config.as_dict(),
            "source": str(self.file.resolve()),
            "files": self._named_files(*ALL_SECTIONS),
            "code": code,
            "device": device,
            "run_kind": run_kind,
            "shows": list(shows),
        }

    def train(
        self, *, device: str = "auto", resume: bool = False, shows: Sequence[str] = (), anew: bool = False
    ) -> Job:
        """The job that trains its network.

        shows: the states that it is to be drawn with, checked before. anew: an autoencoder that it needs is trained
        here too, even if one is shipped.
        """
        if self.config.network is not self.config:
            alone = {"model": self.config.network.model.model_dump(mode="json")}
            subject = replace(self, overrides=combined(self.overrides, alone))
            return subject.train(device=device, resume=resume, shows=shows, anew=anew)
        if not self.config.model.learned:
            named = configs().get(self.name) == self.file
            raise UsageError(
                f"{self.file}: 'model: {self.config.model.kind}' has nothing to train.",
                f"Sample it at once: diffrender sample {self.name if named else self.file}",
            )
        code, code_inputs = self._code_inputs(*TRAINING_SECTIONS)
        settings = {**self._settings(device, "", shows, code, *TRAINING_SECTIONS), "resume": resume}
        out, recording = self.folder / "model.safetensors", self.folder / "training.npz"
        before, encoded = self._autoencoder(device, resume, anew)
        inputs, rounds, name = self._files() | code_inputs | encoded, self.config.training.reflow, f"train {self.name}"
        if rounds:
            earlier = replace(self, overrides=combined(self.overrides, {"training.reflow": rounds - 1}))
            teacher = earlier.train(device=device, resume=resume, shows=shows)
            before, inputs = (*before, teacher), inputs | {"teacher": teacher.out}
            name += ", rectified" + (f" {rounds} times" if rounds > 1 else "")
        return Job("train", name, out, settings, inputs, before, (recording,))

    def train_autoencoder(self, *, device: str = "auto", resume: bool = True) -> Job:
        """The job that trains the autoencoder whose codes its target are."""
        if self.config.autoencoder is None:
            raise UsageError(
                f"{self.file}: 'target: {self.config.target.kind}' has no autoencoder.",
                "Take a config whose target are latents, such as latent-digits.",
            )
        code, code_inputs = self._code_inputs(*AUTOENCODER_SECTIONS)
        settings = {**self._settings(device, "", (), code, *AUTOENCODER_SECTIONS), "resume": resume}
        out = self._folder(AUTOENCODER_SECTIONS) / "autoencoder.safetensors"
        return Job("autoencoder", f"train the autoencoder of {self.name}", out, settings, self._files() | code_inputs)

    def codes(self, *, device: str = "auto", shows: Sequence[str] = ()) -> Job:
        """The job that records what its autoencoder has learned: codes while it was trained, density, decoded sheet."""
        if self.config.autoencoder is None:
            self.train_autoencoder()  # refuses
        before, encoded = self._autoencoder(device)
        out = self._folder(AUTOENCODER_SECTIONS) / "codes.npz"
        code, code_inputs = self._code_inputs(*AUTOENCODER_SECTIONS)
        settings = self._settings(device, "", shows, code)
        return Job("codes", f"codes of {self.name}", out, settings, self._files() | code_inputs | encoded, before)

    def _autoencoder(
        self, device: str, resume: bool = True, anew: bool = False
    ) -> tuple[tuple[Job, ...], dict[str, Path]]:
        """The job that trains its autoencoder, if one must be, and the file of it as an input; none where it has none.

        A shipped one stands in for one that was never trained here, unless it is to be trained `anew`.
        """
        if self.config.autoencoder is None:
            return (), {}
        job = self.train_autoencoder(device=device, resume=resume)
        shipped = None if anew or job.out.is_file() else shipped_autoencoder(self.config)
        return (() if shipped else (job,)), {"autoencoder": shipped or job.out}

    def sample(
        self, *, device: str = "auto", out: Path | None = None, kind: str = "", shows: Sequence[str] = ()
    ) -> Job:
        """The job that records a run of its sampler; needs the training if the model is learned.

        Weights that are shipped stand in for those that were never trained here. kind: what kind of run it must be
        (reverse, langevin, …); shows: the states that it is to be drawn with. Both are checked before anything is made.
        """
        learned, worse = self.config.model.learned and self.config.sampler.asks_model, None
        training = self.train(device=device, resume=True, shows=shows) if learned else None
        before, encoded = self._autoencoder(device)
        stands_in = training and not training.out.is_file() and not before  # of latents: for the shipped codes alone
        shipped = shipped_weights(self.config.network) if stands_in else None
        needs = (training, *before) if training and not shipped else before
        weights = shipped or (training.out if training else None)
        if learned and self.config.sampler.autoguidance:
            differs = flattened(self.config.sampler.autoguidance) | {"sampler.autoguidance": None}
            worse = replace(self, overrides=combined(self.overrides, differs)).train(device=device, resume=True)
            needs = (*needs, worse)
        own = ("model", "target") if self.config.model.kind == "hybrid" else ()  # more than the weights
        sections = ("sampler", "record", *own) if training in needs else ALL_SECTIONS
        code, code_inputs = self._code_inputs(*ALL_SECTIONS)
        inputs = self._files() | code_inputs | encoded | ({"weights": weights} if weights else {})
        inputs |= {"worse": worse.out} if worse else {}
        out, settings = out or self.recording, self._settings(device, kind, shows, code, *sections)
        return Job("sample", f"sample {self.name} ({out.stem})", out, settings, inputs, needs)


def _is_folder(section: dict[str, Any]) -> bool:
    """Whether a section's `path` is a folder on this machine."""
    return section.get("kind") == "image_folder" or folder_of(section) is not None
