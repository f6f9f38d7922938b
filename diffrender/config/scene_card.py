"""A scene file's declarations, read without running it: its needs, its options, what it can show."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import create_model
from pydantic.fields import FieldInfo

from diffrender.config.declarations import SHOWS, Codes, Need, Recording, Training, for_options, with_words
from diffrender.config.find import configs, scenes, use_of
from diffrender.config.scene_acts import OPTION, Acts, acts_in
from diffrender.config.scene_options import SceneOptions
from diffrender.config.scene_text import SceneText, bound_names
from diffrender.core.errors import ConfigError, UsageError, suggest, words_of
from diffrender.core.files import expanded
from diffrender.core.validation import validate


@dataclass(frozen=True)
class SceneCard:
    """A scene's own account of itself.

    needs: recording's name → the Recording, Training or Codes that it must be. shows: the states it can draw (line,
    plane, space, images); all if empty. words: what stands on screen. options: its options, as `-O` and lectures give
    them; unused_options: those of every scene's that do nothing in this one, and are refused. acts: what its text tells
    of its acts.
    """

    name: str
    file: Path
    class_name: str
    summary: str = ""
    default_config: str = ""
    needs: Mapping[str, Need] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    unused_options: tuple[str, ...] = ()
    options: type[SceneOptions] = SceneOptions
    acts: Acts = field(default_factory=Acts)

    def act_names(self, given: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The acts that it plays with these options, which are checked; None if any name may be one."""
        options = validate(self.options, given, f"options of {self.class_name}")
        return self.acts.chosen(getattr(options, OPTION, ()))


_CARDS: dict[tuple[Path, str], tuple[bytes, SceneCard]] = {}  # of this process: the last of each, and its text


def read_scenes(file: Path) -> list[SceneCard]:
    """The declarations of every scene in a file."""
    text = SceneText(file)
    return [_card(text, node) for node in _scenes(text)]


def read_scene(file: Path, class_name: str = "") -> SceneCard:
    """The declarations of a scene class in `file`; of its only scene if no class is named.

    Raises UsageError naming file and line for what cannot be.
    """
    text = SceneText(file)
    found = _scenes(text)
    chosen = [node for node in found if node.name == class_name] if class_name else found
    if not chosen:
        known = [node.name for node in found]
        called = f" called {class_name}" if class_name else ""
        raise UsageError(f"{file}: no scene{called} in it.", suggest(class_name, known))
    if len(chosen) > 1:
        names = [node.name for node in chosen]
        raise UsageError(
            f"{file}: {len(names)} scenes are in it: {', '.join(names)}.", f"Name one, as in {file.name}:{names[0]}"
        )
    key = text.file.resolve(), chosen[0].name
    if key not in _CARDS or _CARDS[key][0] != text.source:
        _CARDS[key] = text.source, _card(text, chosen[0])
    return _CARDS[key][1]


def find_scene(name: str) -> SceneCard:
    """The scene called `name`, or `file.py`, or `file.py:ClassName`."""
    path, _, class_name = name.partition(":")
    known = scenes()
    if path.endswith(".py"):
        file = expanded(path)
        if not file.is_file() and Path(path).stem in known:
            stem = Path(path).stem
            raise UsageError(
                f"{path}: no such scene file.", f"{known[stem]} is called by its name: diffrender render {stem}"
            )
        return read_scene(file, class_name)
    if path not in known:
        remedy = suggest(path, known) + " A file of your own is given as my.py:MyScene."
        if path in configs():
            remedy = f"That is a config; the scene comes first: diffrender render denoise --config {path}"
        raise UsageError(f"Unknown scene '{path}'.", use_of(path) or remedy)
    return read_scene(known[path], class_name)


def with_options(card: SceneCard, given: Mapping[str, Any]) -> SceneCard:
    """The card of a scene whose options are these, with what it needs then.

    UsageError or ConfigError naming the option that is not there or cannot be so.
    """
    known = [name for name in card.options.model_fields if name not in card.unused_options]
    for name in given:
        if name not in known:
            raise UsageError(f"--option {name}: '{card.name}' has no such option.", suggest(name, known))
    options = validate(card.options, given, f"options of {card.class_name}")
    return replace(card, needs=for_options(card.needs, options))


def option_rows(card: SceneCard) -> list[dict[str, Any]]:
    """name, default (as it is typed), type and description of every option, and whether it is as in every scene."""
    shared = SceneOptions.model_fields
    used = [item for item in card.options.model_fields.items() if item[0] not in card.unused_options]
    fields = sorted(used, key=lambda item: item[0] in shared)
    return [
        {
            "name": name,
            "default": "" if info.is_required() else _typed(info.default),
            "type": _type_name(info.annotation),
            "what": info.description or "",
            "shared": name in shared and info.default == shared[name].default,
        }
        for name, info in fields
    ]


# ---- classes ---------------------------------------------------------------------------------------------------------
def _classes(text: SceneText) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in text.tree.body if isinstance(node, ast.ClassDef)}


def _bases(text: SceneText, node: ast.ClassDef) -> list[ast.ClassDef]:
    """A class and those it is built on, as far as they stand in this file, nearest first."""
    classes, out, todo = _classes(text), [], [node]
    while todo:
        here = todo.pop(0)
        if here not in out:
            out.append(here)
            names = [base.id for base in here.bases if isinstance(base, ast.Name)]
            todo += [classes[name] for name in names if name in classes]
    return out


def _scenes(text: SceneText) -> list[ast.ClassDef]:
    """Classes built on something called …Scene; those with a leading underscore are for others to build on."""

    def is_scene(node: ast.ClassDef) -> bool:
        return any(getattr(base, "id", getattr(base, "attr", "")).endswith("Scene") for base in node.bases)

    classes = _classes(text).values()
    return [n for n in classes if not n.name.startswith("_") and any(map(is_scene, _bases(text, n)))]


def _card(text: SceneText, node: ast.ClassDef) -> SceneCard:
    line = {name: _assigned(text, node, name) for name in _DEFAULTS}
    found = {name: _DEFAULTS[name] if part is None else text.value(part) for name, part in line.items()}
    for name, value in found.items():
        if problem := _wrong(name, value):
            text.fail(line[name] or node, f"{node.name}.{name} {problem}")
    if (old := _assigned(text, node, "kinds")) is not None:
        text.fail(old, f"{node.name}.kinds is said by each need.", 'Example: needs = {"run": Recording("reverse")}')
    summary = (ast.get_docstring(node) or ast.get_docstring(text.tree) or "").split("\n")[0]
    options = _options(text, node)
    try:
        options = with_words(options, found["words"])
    except Exception as error:  # whatever pydantic has against a name
        text.fail(line["words"] or node, f"{node.name}.words cannot be options ({words_of(error)}).")
    for need in found["needs"].values():
        for option in need.each.values() if isinstance(need, Recording) else ():
            known = options.model_fields.get(option)
            if known is None or get_origin(known.annotation) not in (tuple, list):
                text.fail(line["needs"] or node, f"each: '{option}' is no option that is a list.")
    name = text.file.stem if len(_scenes(text)) == 1 else f"{text.file.stem}:{node.name}"
    acts = acts_in(_bases(text, node), OPTION in options.model_fields)
    return SceneCard(name, text.file.resolve(), node.name, summary, **found, options=options, acts=acts)


_DEFAULTS: dict[str, Any] = {"default_config": "", "needs": {}, "shows": (), "words": {}, "unused_options": ()}


def _wrong(name: str, value: Any) -> str:
    """What is wrong with a declaration's value, if anything."""
    if name == "default_config":
        return "" if isinstance(value, str) else "must be the name of a config."
    if name == "shows":
        odd = [v for v in value if v not in SHOWS] if isinstance(value, (tuple, list)) else ["this"]
        return f"must be a tuple of {', '.join(SHOWS)}; '{str(odd[0])[:60]}' is none." if odd else ""
    if name == "unused_options":
        odd = [v for v in value if v not in SceneOptions.model_fields] if isinstance(value, (tuple, list)) else ["this"]
        return f"must be a tuple of options that every scene has; '{str(odd[0])[:60]}' is none." if odd else ""
    if not isinstance(value, dict) or not all(key.isidentifier() for key in value):
        return "must be a dict whose keys are names."
    if name == "needs" and not all(isinstance(need, (Recording, Training, Codes)) for need in value.values()):
        return 'must map names to Recording(…), Training(…) or Codes(…), such as {"run": Recording("reverse")}.'
    if name == "words" and not all(isinstance(word, str) for word in value.values()):
        return "must map names to text."
    return ""


def _assigned(text: SceneText, node: ast.ClassDef, name: str) -> ast.expr | None:
    """The expression that a class, or one it is built on, gives an attribute."""
    for owner in _bases(text, node):
        lines = bound_names(owner.body).get(name, [])
        if lines:
            match lines:
                case [ast.Assign(targets=[ast.Name()], value=value)] | [ast.AnnAssign(value=ast.expr() as value)]:
                    return value
            text.fail(lines[-1], f"{owner.name}.{name} must be set once, by a plain assignment.")
    return None


# ---- options ---------------------------------------------------------------------------------------------------------
def _options(text: SceneText, node: ast.ClassDef, depth: int = 0) -> type[SceneOptions]:
    """The options of a scene's class: its own `Options`, or those of the class that it is built on."""
    for owner in _bases(text, node):
        lines = bound_names(owner.body).get("Options", [])
        if lines:
            if len(lines) > 1 or not isinstance(lines[0], ast.ClassDef):
                text.fail(lines[-1], f"{owner.name}.Options must be one class.")
            return _options_class(text, lines[0], depth)
    return SceneOptions


def _options_class(text: SceneText, node: ast.ClassDef, depth: int) -> type[SceneOptions]:
    base: type[SceneOptions] = SceneOptions
    match node.bases:
        case [ast.Name(id="SceneOptions")] | [ast.Attribute(value=ast.Name(id="TrajectoryScene"), attr="Options")]:
            pass
        case [ast.Attribute(value=ast.Name(id=name), attr="Options")] if name in _classes(text) and depth < 10:
            base = _options(text, _classes(text)[name], depth + 1)
        case [ast.Name(id=name)] if name in _classes(text) and depth < 10:
            base = _options_class(text, _classes(text)[name], depth + 1)
        case _:
            text.fail(node, f"{node.name} must be a class of SceneOptions, or of another scene's Options in this file.")
    fields: dict[str, tuple[ast.AnnAssign, Any, Any]] = {}
    for line in node.body:
        match line:
            case ast.AnnAssign(target=ast.Name(id=name)):
                if name in fields:
                    text.fail(line, f"option '{name}' is declared twice.")
                fields[name] = line, text.annotation(line.annotation), text.field(line.value)
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.FunctionDef():  # methods run only when it is drawn
                pass
            case _:
                text.fail(line, "an option is written  name: type = Field(default, description=…).")
    for name, (line, _, _) in fields.items():
        if name.startswith("_"):
            text.fail(line, f"option '{name}' cannot begin with _.")
    with contextlib.suppress(Exception):  # what is wrong is looked for below, where each option is made alone
        made = _model(node.name, base, {name: (kind, _copy(default)) for name, (_, kind, default) in fields.items()})
        validate(made, {}, "")
        return made
    for name, (line, kind, default) in fields.items():
        try:
            alone = _model(node.name, SceneOptions, {name: (kind, _copy(default))})
            if not alone.model_fields[name].is_required():
                validate(alone, {}, f"{text.file}, line {line.lineno}")
        except ConfigError as error:
            raise UsageError(error.problem, "The default of an option must itself be allowed.") from None
        except Exception as error:  # pydantic has many errors for types and bounds that cannot be together
            text.fail(line, f"option '{name}' cannot be ({words_of(error)}).")
    return _model(node.name, base, {name: (kind, default) for name, (_, kind, default) in fields.items()})


def _model(name: str, base: type[SceneOptions], fields: dict[str, Any]) -> type[SceneOptions]:
    return create_model(name, __base__=base, **fields)


def _copy(default: Any) -> Any:
    """A field belongs to one class: pydantic writes into it."""
    return copy(default) if isinstance(default, FieldInfo) else default


def _typed(value: Any) -> str:
    """A default as it is typed on a command line."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(_typed, value))
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _type_name(kind: Any) -> str:
    """`float`, `chain|zoom`, `int or none`."""
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) in (tuple, list):
        inner = list(dict.fromkeys(_type_name(part) for part in get_args(kind) if part is not ...))
        return f"list of {' or '.join(inner)}"
    if get_args(kind):
        return " or ".join(_type_name(part) for part in get_args(kind))
    return "none" if kind is type(None) else getattr(kind, "__name__", str(kind))
