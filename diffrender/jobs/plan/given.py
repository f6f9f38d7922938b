"""Recordings that are given to a scene instead of made for it: which is which, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffrender.config.declarations import Need, Recording
from diffrender.config.find import no_such_file
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import SceneCard
from diffrender.core.errors import UsageError
from diffrender.core.files import expanded
from diffrender.trajectory.reader import check_whole


def named_files(texts: list[str], card: SceneCard) -> dict[str, Path]:
    """`name=file` pairs; files alone go to the scene's recordings in their order."""
    found: dict[str, Path] = {}
    names = [*card.needs] or ["main"]
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or Path(text).is_file():
            free = [name for name in names if name not in found]
            if not free:
                raise UsageError(f"--trajectory {text}: {card.class_name} shows {len(names)} recordings at most.")
            name, file = free[0], text
        if card.needs and name not in card.needs:
            raise UsageError(
                f"--trajectory {text}: {card.class_name} has no recording called '{name}'.",
                f"It needs: {', '.join(card.needs)}.",
            )
        path = expanded(file)
        if not path.is_file():
            near = no_such_file(file).remedy
            raise UsageError(f"{file}: no such recording.", f"{near} 'diffrender sample CONFIG' records one.")
        found[name] = path.resolve()
    return found


def one_each(card: SceneCard, options: Mapping[str, Any], files: Sequence[str]) -> Mapping[str, Any]:
    """The options, where a scene shows as many recordings as an option names: those that are given, if there are some.

    `render race one.npz other.npz` is a race of two, called after their files until they say what they are.
    """
    each = [need.each for need in card.needs.values() if isinstance(need, Recording) and need.each]
    if len(files) < 2 or len(each) != len(card.needs):
        return options
    return {option: [Path(file).stem for file in files] for one in each for option in one.values()} | dict(options)


def check_kinds(given: Mapping[str, Path], card: SceneCard) -> None:
    """Refuse recordings of another kind of run than the scene shows; TrajectoryError for what is no recording, or none
    that is whole."""
    for name, file in given.items():
        kinds, kind = getattr(card.needs.get(name), "kind", ""), check_whole(file).kind
        if kinds and kind not in kinds.split("|"):
            raise UsageError(
                f"{file.name}: holds a {kind} run, and the scene '{card.name}' shows"
                f" {kinds.replace('|', ' and ')} runs{f' as {name}' if len(card.needs) > 1 else ''}.",
                "See what shows it: diffrender list scenes",
            )


def check_given(card: SceneCard, given: Mapping[str, Path], config: str, overrides: Overrides, device: str) -> None:
    """Refuse what does nothing beside the recordings that are given, and some that leave others to be guessed.

    What is missing is made only from a config that was named: the scene's own shows other data than the user's.
    """
    missing = {name: need for name, need in card.needs.items() if name not in given}
    if not missing:
        said = [f"--config {config}"] if config else []
        counted = {key: value for key, value in overrides.items() if given or key != "sampler.seed"}
        said += [f"--set {key}={plainly(value)}" for key, value in counted.items()]
        said += [f"--device {device}"] if device != "auto" else []
        if said and given:
            files = ", ".join(file.name for file in given.values())
            raise UsageError(
                f"{', '.join(said)}: nothing is made here, since {files} is drawn as it was recorded.",
                "Leave it out; or leave out the recording, and one is made so.",
            )
        if said:
            raise UsageError(f"{', '.join(said)}: the scene '{card.name}' shows no recording.", "Leave it out.")
    elif given and not config:
        raise UsageError(
            f"The scene '{card.name}' shows {len(card.needs)} recordings, and {len(given)} of them"
            f" {'is' if len(given) == 1 else 'are'} given ({', '.join(f'{n}={f.name}' for n, f in given.items())});"
            f" not {'; '.join(_asked(name, need) for name, need in missing.items())}.",
            f"Give {'that' if len(missing) == 1 else 'those'} too: {' '.join(f'-T {name}=FILE' for name in missing)}."
            f" Or say what to make the rest from: --config NAME.{_acts_without(card, missing)}",
        )


def _asked(name: str, need: Need) -> str:
    """A recording as a scene asks for it: `exact (model.kind=exact)`."""
    fixed = [f"{key}={plainly(value)}" for key, value in need.fixed.items() if not key.startswith("record.")]
    return f"{name} ({', '.join(fixed)})" if fixed else name


def _acts_without(card: SceneCard, missing: Mapping[str, Need]) -> str:
    """How to show only the acts that need none of these, if there are some."""
    acts = card.options.model_fields["acts"].get_default() if "acts" in card.options.model_fields else ()
    used = {act for need in missing.values() for act in getattr(need, "acts", ()) or acts}
    left = [act for act in acts if act not in used]
    return f" Or leave out the acts that show them: -O acts={','.join(left)}" if left else ""


def plainly(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(plainly, value))}]"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
