"""The words in which a scene file says what it needs and shows: recordings, trainings, states.

They are plain data. A scene's class uses them as they stand, and `scene_card` builds the same objects from the file's
text without running it, so nothing here may import Manim or torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar

from pydantic import Field, create_model

from diffrender.config.scene_options import SceneOptions
from diffrender.core.errors import ConfigError, suggest

RUN_KINDS = ("reverse", "langevin", "forward")
STATES = {1: "line", 2: "plane", 3: "space"}  # by the numbers in one state
SHOWS = (*STATES.values(), "images", "latents")  # of an autoencoder, as the images decoded from them


def states_name(event: tuple[int, ...]) -> str:
    """The word for states of that shape: (1,) line, (2,) plane, (3,) space, (C, H, W) images; "" for others."""
    return "images" if len(event) == 3 else STATES.get(event[0], "") if len(event) == 1 else ""


@dataclass(frozen=True)
class Recording:
    """The recording of a sampler's run: `Recording("reverse", {"sampler.steps": 100}, fixed={"sampler.kind": "ddim"})`.

    kind: what kind of run can be shown (reverse, langevin, forward), or some, parted by bars; any if empty.
    overrides: config keys, dotted, that the user's own settings go over; `fixed` ones go over both. config: another
    config than the clip's own. each: one config key and one of the scene's options, a list: `{"sampler.kind":
    "samplers"}` asks for a recording with each of its values, called after the need and numbered from 1 (see
    `for_options`). acts: of the scene's option `acts`, those that show it; where none of them is shown it need not be
    there. samplers: the shipped ones that can be shown, if not all of its kind, and config keys that with each stand in
    place of those in `overrides` and `fixed`; others are refused before they run. beside: it is only made beside these
    samplers of the user's, with these keys over all that is set (None: as the first recording has it); beside others,
    and where others are given, it need not be there.
    """

    kind: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    fixed: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    each: Mapping[str, str] = field(default_factory=dict)
    acts: Sequence[str] = ()
    samplers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    beside: bool = False

    def __post_init__(self) -> None:
        _check(self)
        each = self.each.items() if isinstance(self.each, Mapping) else [(None, None)]
        if len(each) > 1 or not all(isinstance(part, str) for pair in each for part in pair):
            raise ConfigError("Recording: each is one config key and one option.", 'Example: {"sampler.kind": "kinds"}')
        if self.kind and not set(self.kind.split("|")) <= set(RUN_KINDS):
            remedy = suggest(str(self.kind), RUN_KINDS) + " What a network learned is asked for as Training()."
            raise ConfigError(f"Recording: there is no kind of run called {self.kind!r}.", remedy)


@dataclass(frozen=True)
class Training:
    """The recording of a network's training: its loss, its snapshots. overrides, fixed, config: as of a Recording."""

    kind: ClassVar[str] = "training"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    fixed: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class Codes:
    """The recording of an autoencoder: its codes while it was trained, their density, images decoded from the plane.

    overrides, fixed, config: as of a Recording; the config's target must be `latents`.
    """

    kind: ClassVar[str] = "autoencoder"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    fixed: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""

    def __post_init__(self) -> None:
        _check(self)


Need = Recording | Training | Codes


def _check(need: Need) -> None:
    what = type(need).__name__
    for name in ("overrides", "fixed"):
        keys = getattr(need, name)
        if not isinstance(keys, Mapping) or not all(isinstance(key, str) and all(key.split(".")) for key in keys):
            raise ConfigError(f"{what}: {name} must be a dict of config keys.", 'Example: {"sampler.kind": "ddim"}')
    if not isinstance(need.config, str):
        raise ConfigError(f"{what}: config must be the name of a config, not {need.config!r}.")


def needed(need: Need) -> bool:
    """Whether a scene cannot do without it: a recording that stands beside some samplers is left out beside others."""
    return not (isinstance(need, Recording) and need.beside)


def for_options(needs: Mapping[str, Need], options: SceneOptions) -> dict[str, Need]:
    """What is needed where a scene's options are these: of `run` with `each` two values `run1` and `run2`.

    What only acts show that are left out is not needed.
    """
    found: dict[str, Need] = {}
    for name, need in needs.items():
        shown = getattr(options, "acts", None)
        if isinstance(need, Recording) and need.acts and shown is not None and not set(need.acts) & set(shown):
            continue
        if not isinstance(need, Recording) or not need.each:
            found[name] = need
            continue
        for key, option in need.each.items():
            for k, value in enumerate(getattr(options, option), 1):
                found[f"{name}{k}"] = replace(need, fixed={**need.fixed, key: value}, each={})
    return found


def with_words(options: type[SceneOptions], words: Mapping[str, str]) -> type[SceneOptions]:
    """The options of a scene, with one for each of the words that it puts on screen.

    A word whose name is an option of the scene's own class is left to that; one that every scene has takes the word as
    its default.
    """
    own, found = inspect.get_annotations(options), dict[str, Any]()
    for name, text in words.items():
        if name not in own:
            inherited = options.model_fields.get(name)
            about = inherited.description if inherited and inherited.description else "words on screen"
            found[name] = (str, Field(text, description=about))
    return create_model(options.__name__, __base__=options, **found) if found else options
