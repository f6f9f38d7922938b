"""The acts of a scene, as far as its text tells them without being run: what `say` and `narration` may name."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_ACT = "intro"  # how the act in which a clip begins is called where the scene gives it no name
OPTION = "acts"  # of scenes that play the acts which it names, in its order
STARTS = {"intro": "run", "play_run": "result"}  # methods of a scene → the act that comes after them
NAMING = ("next_act", "next_section")
KNOWN_BASES = ("TrajectoryScene", "DensityScene", "ManyChainsScene", "Scene", "MovingCameraScene", "ThreeDScene")


@dataclass(frozen=True)
class Acts:
    """What a scene's text says of its acts.

    named: those that it names. by_option: whether the option `acts` names them. open: whether there may be others.
    """

    named: tuple[str, ...] = ()
    by_option: bool = False
    open: bool = False

    def chosen(self, option: Sequence[str]) -> tuple[str, ...] | None:
        """The names that an act may have if the option `acts` is so; None if any may be one."""
        if self.open:
            return None
        return (FIRST_ACT, *(option if self.by_option else ()), *self.named)


def acts_in(classes: Sequence[ast.ClassDef], has_option: bool) -> Acts:
    """The acts of a scene's class and those it is built on in the same file. has_option: whether it has `acts`."""
    calls = [node for one in classes for node in ast.walk(one) if isinstance(node, ast.Call)]
    methods = [(node.func.attr, node) for node in calls if isinstance(node.func, ast.Attribute)]
    given = [_name(node) for method, node in methods if method in NAMING]
    literal = tuple(dict.fromkeys(name for name in given if name))
    if None in given:
        return Acts(literal, by_option=True) if has_option else Acts(open=True)
    here = {one.name for one in classes}
    bases = {getattr(base, "id", getattr(base, "attr", "")) for one in classes for base in one.bases} - here
    used = {method for method, _ in methods} | ({*STARTS} if bases - {*KNOWN_BASES} else set())
    return Acts((*(act for method, act in STARTS.items() if method in used), *literal))


def _name(call: ast.Call) -> str | None:
    """The name that a call gives an act, `""` if it gives none; None if it cannot be told."""
    first = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "name"), None)
    if first is None:
        return ""
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
