"""A scene file's declarations, read without running it: its needs, its options, what it shows."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from diffrender.config.find import scenes
from diffrender.config.overrides import Overrides
from diffrender.config.scene_options import SceneOptions
from diffrender.core.errors import UsageError, suggest
from diffrender.core.validation import validate

BOUNDS = {"gt", "ge", "lt", "le", "min_length", "max_length"}


@dataclass(frozen=True)
class SceneCard:
    """What a scene file says of itself.

    needs: recording's name → config overrides with dotted keys; a key ending in `!` cannot be overruled by --set;
    `{"training": True}` asks for the training run's recording, `{"config": "dino"}` for another config than the clip's.
    kinds: recording's name → what kind of run it must be (reverse, langevin, …), if only one can be shown.
    """

    name: str
    file: Path
    class_name: str
    summary: str = ""
    default_config: str = ""
    needs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)


def read_scene(file: Path, class_name: str = "") -> SceneCard:
    """The declarations of a scene class in `file`; the first scene of the file if no class is named."""
    try:
        tree = ast.parse(file.read_text("utf-8"), str(file))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such scene file.") from None
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file}: cannot be read as Python ({error}).") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    wanted = [c for c in classes if (c.name == class_name if class_name else _is_scene(c))]
    if not wanted:
        known = [c.name for c in classes if _is_scene(c)]
        raise UsageError(
            f"{file}: no scene{f' called {class_name}' if class_name else ''} in it.", suggest(class_name, known)
        )
    declared: dict[str, Any] = {"default_config": "", "needs": {}, "kinds": {}}
    node = wanted[0]
    for line in node.body:
        target = (
            line.targets[0]
            if isinstance(line, ast.Assign)
            else line.target
            if isinstance(line, ast.AnnAssign)
            else None
        )
        value = getattr(line, "value", None)
        if isinstance(target, ast.Name) and target.id in declared and value is not None:
            try:
                declared[target.id] = ast.literal_eval(value)
            except ValueError:
                raise UsageError(
                    f"{file}, line {line.lineno}: {node.name}.{target.id} must be a literal.",
                    "It is read without running the scene: write plain strings, numbers, lists and dicts.",
                ) from None
    summary = (ast.get_docstring(node) or ast.get_docstring(tree) or "").split("\n")[0]
    needs = declared["needs"]
    if not isinstance(needs, dict) or not all(isinstance(v, dict) for v in needs.values()):
        raise UsageError(f"{file}: {node.name}.needs must map a recording's name to a dict of overrides.")
    default, kinds = str(declared["default_config"]), declared["kinds"]
    return SceneCard(file.stem, file.resolve(), node.name, summary, default, needs, kinds)


def _is_scene(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", getattr(base, "attr", "")).endswith("Scene") for base in node.bases)


def _options(card: SceneCard, tree: ast.Module) -> tuple[list[ast.AnnAssign], bool]:
    """The options that a scene's class declares itself, and whether these are all."""
    scene = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == card.class_name), None)
    for node in scene.body if scene else ():
        if isinstance(node, ast.ClassDef) and node.name == "Options":
            lines = [line for line in node.body if isinstance(line, ast.AnnAssign)]
            return lines, [getattr(base, "id", "") for base in node.bases] == ["SceneOptions"]
    return [], scene is not None and [getattr(base, "id", "") for base in scene.bases] == ["TrajectoryScene"]


def check_options(card: SceneCard, given: Mapping[str, Any]) -> None:
    """UsageError or ConfigError naming the option that is not there or cannot be so, without running the scene.

    Types and bounds are those that its file writes down; what cannot be understood from the text alone is left to the
    scene itself.
    """
    tree = ast.parse(card.file.read_text("utf-8"))
    lines, complete = _options(card, tree)
    own = [ast.unparse(line.target) for line in lines]
    known = [*own, *(name for name in SceneOptions.model_fields if name not in own)]
    for name in given:
        if complete and name not in known:
            raise UsageError(f"--option {name}: '{card.name}' has no such option.", suggest(name, known))
    names: dict[str, Any] = {"Literal": Literal, **{kind.__name__: kind for kind in (int, float, bool, str, tuple)}}
    for line in tree.body:  # `Act = Literal["chain", …]`
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Subscript):
            with suppress(Exception):
                names |= {target.id: _evaluated(line.value, names) for target in line.targets}  # type: ignore[attr-defined]
    fields: dict[str, Any] = {}
    for option, line in zip(own, lines, strict=True):
        bounds: dict[str, Any] = {}
        for bound in line.value.keywords if isinstance(line.value, ast.Call) else ():
            with suppress(ValueError):
                bounds[bound.arg or ""] = ast.literal_eval(bound.value)
        kind: Any = Any
        with suppress(Exception):
            kind = _evaluated(line.annotation, names)
        fields[option] = (kind, Field(None, **{k: v for k, v in bounds.items() if k in BOUNDS}))
    model = create_model("Options", __base__=SceneOptions, **fields)
    validate(
        model, {name: given[name] for name in given if name in model.model_fields}, f"options of {card.class_name}"
    )


def _evaluated(node: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "options", "eval"), {"__builtins__": {}}, names)


def scene_options(card: SceneCard) -> list[str]:
    """`name=default` of every option that a scene's class declares; lists as they are typed."""
    found = []
    for line in _options(card, ast.parse(card.file.read_text("utf-8")))[0]:
        value = line.value
        if isinstance(value, ast.Call) and value.args:  # Field(default, description=…)
            value = value.args[0]
        if isinstance(value, ast.Tuple) and all(isinstance(part, ast.Constant) for part in value.elts):
            shown = ",".join(str(part.value) for part in value.elts)  # type: ignore[attr-defined]
        else:
            shown = ast.unparse(value) if value else ""
        found.append(f"{ast.unparse(line.target)}{'=' * bool(value)}{shown}")
    return found


def find_scene(name: str) -> SceneCard:
    """The scene called `name`, or `file.py`, or `file.py:ClassName`."""
    path, _, class_name = name.partition(":")
    if path.endswith(".py"):
        return read_scene(Path(path).expanduser(), class_name)
    known = scenes()
    if path not in known:
        raise UsageError(
            f"Unknown scene '{path}'.", suggest(path, known) + " A file of your own is given as my.py:MyScene."
        )
    return read_scene(known[path], class_name)


def overrides(needs: Mapping[str, Any]) -> tuple[Overrides, Overrides]:
    """A scene's (defaults, fixed) overrides: `{"sampler.kind": "ddim", "sampler.steps!": 60}` fixes the steps."""
    pairs = [(key, value) for key, value in needs.items() if key not in ("training", "config")]
    return (
        [(key.split("."), value) for key, value in pairs if not key.endswith("!")],
        [(key[:-1].split("."), value) for key, value in pairs if key.endswith("!")],
    )
