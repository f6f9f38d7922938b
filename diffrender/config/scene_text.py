"""Values in the text of a scene file, read by a whitelist over its syntax tree: nothing in the file is run.

Constants, tuples, lists, dicts with text as keys, `Recording(…)`, `Training(…)`, `Codes(…)`, `Field(…)` of such
values, and names that are bound once in the file to such a value; in annotations also `int`, `float`, `bool`, `str`,
`None`, `Literal[…]`, `tuple[…]`, `list[…]` and `A | B`. Everything else is refused with its line.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, Union

from pydantic import Field

from diffrender.config.declarations import Codes, Recording, Training
from diffrender.core.errors import DiffrenderError, UsageError, words_of

MAX_BYTES = 1_000_000  # of a scene file
MAX_NODES = 20_000  # values read from one file: names that name names may stand for very many
MAX_DEPTH = 30
MAX_NUMBER = 2.0**63
PLAIN = {"int": int, "float": float, "bool": bool, "str": str, "None": type(None)}
CALLS: dict[str, Callable[..., Any]] = {"Recording": Recording, "Training": Training, "Codes": Codes}
FIELD_KEYS = {
    "default", "description", "title", "examples", "gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length",
    "pattern",
}  # fmt: skip
ALLOWED = (
    "Only constants, tuples, lists, dicts, Recording(…), Training(…), Codes(…), Field(…), and names bound once to them."
)
TYPES = "Options are int, float, bool, str, Literal[…], tuple[…] or list[…] of them, or A | B."


class SceneText:
    """The syntax tree of a scene file.

    Raises UsageError naming file and line for what cannot be read as Python, or is not on the whitelist.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.nodes = file, 0
        try:
            if file.stat().st_size > MAX_BYTES:
                raise UsageError(f"{file}: larger than a scene file may be ({MAX_BYTES:,} bytes).")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the file's own making; they are shown when it is run
                self.source = file.read_bytes()
                self.tree = ast.parse(self.source, str(file))
                compile(self.tree, str(file), "exec", dont_inherit=True)  # some faults of syntax are found only here
        except FileNotFoundError:
            raise UsageError(f"{file}: no such scene file.") from None
        except SyntaxError as error:
            where = f", line {error.lineno}" if error.lineno else ""
            raise UsageError(f"{file}{where}: not Python ({error.msg}).") from None
        except (RecursionError, MemoryError):
            raise UsageError(f"{file}: nested too deeply to be read as Python.") from None
        except (ValueError, OSError) as error:
            raise UsageError(f"{file}: cannot be read as Python ({words_of(error)}).") from None
        self.bindings: dict[str, list[ast.AST]] = {}
        _bind(self.tree.body, self.bindings)

    def fail(self, node: ast.AST, problem: str, remedy: str = "") -> NoReturn:
        """UsageError at a node's line."""
        raise UsageError(f"{self.file}, line {getattr(node, 'lineno', 1)}: {problem}", remedy)

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """What an expression stands for."""
        self._count(node, depth)
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -self._constant(node, value)
            case ast.Tuple(elts=parts):
                return tuple(self.value(part, depth + 1) for part in parts)
            case ast.List(elts=parts):
                return [self.value(part, depth + 1) for part in parts]
            case ast.Dict(keys=keys, values=values):
                found: dict[str, Any] = {}
                for key, part in zip(keys, values, strict=True):
                    name = None if key is None else self.value(key, depth + 1)
                    if not isinstance(name, str) or name in found:
                        self.fail(key or node, "the keys of a dict must be text, each once.")
                    found[name] = self.value(part, depth + 1)
                return found
            case ast.Name(id=name):
                return self.value(self._bound(node, name), depth + 1)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                return self._call(node, CALLS[name], depth)
        self.fail(node, f"'{_short(node)}' cannot be read without running it.", ALLOWED)

    def annotation(self, node: ast.expr, depth: int = 0) -> Any:
        """The type of an option."""
        self._count(node, depth)
        match node:
            case ast.Name(id=name) if name in PLAIN:
                return PLAIN[name]
            case ast.Constant(value=None):
                return type(None)
            case ast.Name(id=name):
                return self.annotation(self._bound(node, name), depth + 1)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return Union[self.annotation(left, depth + 1), self.annotation(right, depth + 1)]  # noqa: UP007
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name == "Literal":
                    return self._literal(node, tuple(self.value(part, depth + 1) for part in parts))
                if name in ("tuple", "list") and parts:
                    endless = name == "tuple" and len(parts) == 2 and _is_ellipsis(parts[1])
                    kinds = [self.annotation(part, depth + 1) for part in (parts[:1] if endless else parts)]
                    if name == "list" and len(kinds) == 1:
                        return list[kinds[0]]  # type: ignore[valid-type]
                    if name == "tuple":
                        return tuple[(kinds[0], ...) if endless else tuple(kinds)]  # type: ignore[misc]
        self.fail(node, f"'{_short(node)}' is not a type that an option may have.", TYPES)

    def field(self, node: ast.expr | None) -> Any:
        """The default of an option, or its `Field(…)`; `...` where it has none."""
        if node is None or _is_ellipsis(node):
            return ...
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field"):
            return self.value(node)
        self._count(node, 0)
        given: dict[str, Any] = {}
        if len(node.args) > 1:
            self.fail(node, "Field takes one value, the default; all else by name.")
        for name, part in [*(("default", part) for part in node.args), *((k.arg, k.value) for k in node.keywords)]:
            if name not in FIELD_KEYS or name in given:
                self.fail(
                    part, f"Field({name or '**'}=…) is not read here.", f"Known: {', '.join(sorted(FIELD_KEYS))}."
                )
            given[name] = ... if name == "default" and _is_ellipsis(part) else self.value(part, 1)
        return self._made(node, Field, (given.pop("default", ...),), given)

    def _count(self, node: ast.AST, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self.fail(node, "too many values, or nested too deeply.")

    def _constant(self, node: ast.AST, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                self.fail(node, "a text with half a character (a surrogate).")
        if isinstance(value, (int, float)) and not abs(value) < MAX_NUMBER:
            self.fail(node, "a number out of all bounds.")
        if value is None or isinstance(value, (str, int, float)):
            return value
        self.fail(node, f"'{_short(node)}' is neither text nor a number.")

    def _literal(self, node: ast.AST, values: tuple[Any, ...]) -> Any:
        if not values or not all(isinstance(value, (str, int)) or value is None for value in values):
            self.fail(node, "Literal[…] lists words or whole numbers.")
        return Literal[values]

    def _bound(self, node: ast.AST, name: str) -> ast.expr:
        """The expression that a name of the module stands for."""
        bindings = self.bindings.get(name, [])
        if len(bindings) != 1:
            problem = "is not set in this file" if not bindings else "is set more than once"
            self.fail(node, f"'{name}' {problem}, so what it stands for cannot be read.", ALLOWED)
        match bindings[0]:
            case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=ast.expr() as value):
                return value
        self.fail(node, f"'{name}' is no plain value.", ALLOWED)

    def _call(self, node: ast.Call, make: Callable[..., Any], depth: int) -> Any:
        args = [self.value(part, depth + 1) for part in node.args]
        if any(keyword.arg is None for keyword in node.keywords):
            self.fail(node, "** cannot be read without running it.", ALLOWED)
        return self._made(node, make, args, {str(k.arg): self.value(k.value, depth + 1) for k in node.keywords})

    def _made(self, node: ast.AST, make: Callable[..., Any], args: Any, named: Mapping[str, Any]) -> Any:
        try:
            return make(*args, **named)
        except DiffrenderError as error:
            self.fail(node, error.problem, error.remedy)
        except (TypeError, ValueError) as error:
            self.fail(node, f"{str(error).removeprefix(f'{make.__name__}.__init__() ')}.")


def _bind(body: list[ast.stmt], bindings: dict[str, list[ast.AST]]) -> None:
    """File every statement of a module (not of its functions and classes) under the names that it binds."""
    for statement in body:
        names: set[str] = set()
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = {statement.name}
        else:
            stack: list[ast.AST] = [statement]
            while stack:
                node = stack.pop()
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    names.add(node.name)
                elif isinstance(node, ast.alias):
                    names.add((node.asname or node.name).split(".")[0])
                elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                    names.add(node.id)
                if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                    stack.extend(ast.iter_child_nodes(node))
        for name in names:
            bindings.setdefault(name, []).append(statement)


def bound_names(body: list[ast.stmt]) -> dict[str, list[ast.AST]]:
    """The statements of a class's or module's body by the names that they bind."""
    found: dict[str, list[ast.AST]] = {}
    _bind(body, found)
    return found


def _is_ellipsis(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _short(node: ast.AST) -> str:
    """An expression as it is written, at most 60 characters."""
    try:
        text = " ".join(ast.unparse(node).split()).encode("ascii", "backslashreplace").decode()
    except (RecursionError, ValueError):
        return "this"
    return text if len(text) <= 60 else f"{text[:57]}…"
