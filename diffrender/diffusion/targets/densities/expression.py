"""log p as a line of text, read through a whitelist over Python's syntax tree: nothing in it is ever run as Python."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence

import torch

from diffrender.core.errors import ConfigError, suggest, words_of
from diffrender.diffusion.targets.densities.base import Bounds, Density, grid, widened

Term = Callable[[Sequence[torch.Tensor]], torch.Tensor]

VARIABLES = ("x", "y", "z")
CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTIONS: dict[str, tuple[int, Callable[..., torch.Tensor]]] = {
    **{
        name: (1, getattr(torch, name))
        for name in ("exp", "log", "log1p", "sqrt", "abs", "sin", "cos", "tan", "asin", "acos", "atan")
    },
    **{name: (1, getattr(torch, name)) for name in ("sinh", "cosh", "tanh", "sigmoid", "erf")},
    **{name: (2, getattr(torch, name)) for name in ("atan2", "hypot", "logaddexp", "minimum", "maximum")},
}
OPERATORS: dict[type[ast.operator], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    ast.Add: torch.add,
    ast.Sub: torch.sub,
    ast.Mult: torch.mul,
    ast.Div: torch.div,
}
MAX_LENGTH, MAX_DEPTH, MAX_POWER = 2000, 40, 64
MAX_EDGE = 1e4  # of a box


class Expression(Density):
    """exp(log_p) for a log p written in x, y, z; D is 1, 2 or 3 by the last of them that appears.

    text: the expression. box: 2·D numbers, low and high of each coordinate; fitted to p unless given.
    Raises ConfigError for what is not allowed, is not a number somewhere, or does not fall away.
    """

    normalised = False

    def __init__(self, text: str, box: Sequence[float] | None = None) -> None:
        reader = _Reader(text)
        self.term = reader.term(reader.tree, 0)
        self.dim = 1 + max((VARIABLES.index(name) for name in reader.used), default=-1)
        if missing := [name for name in VARIABLES[: max(self.dim, 1)] if name not in reader.used]:
            raise ConfigError(
                f"target.log_p: '{missing[0]}' does not appear, so p would be the same all along it.",
                "A density must fall away in every direction.",
            )
        self.bounds = self._fitted() if box is None else self._given(tuple(box))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """The expression at x (N, D), (N,), up to a constant."""
        return self.term(x.unbind(1))

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The expression and its gradient by autograd, 0 at a kink where there is none."""
        with torch.inference_mode(False), torch.enable_grad():
            y = x.detach().clone().requires_grad_()
            log_p = self.log_prob(y)
            (score,) = torch.autograd.grad(log_p.sum(), y)
        kink = score.isnan() & log_p.isfinite()[:, None]  # sqrt(x**2 + y**2) at 0: no slope there
        return log_p.detach(), score.masked_fill(kink, 0.0)

    def _given(self, box: tuple[float, ...]) -> Bounds:
        """The bounds written in the config, if p falls away a little beyond them."""
        bounds = tuple(zip(box[::2], box[1::2], strict=False))
        if len(box) != 2 * self.dim or not all(low < high and max(-low, high) <= MAX_EDGE for low, high in bounds):
            raise ConfigError(f"target.box: low and high of {self.dim} coordinates are needed (got {list(box)}).")
        drop = self._probe(tuple(widened(b, 1.5) for b in bounds))[2]
        if math.isnan(drop):
            raise ConfigError("target.log_p: p is 0 on all of target.box.", "Move the box, or mend the expression.")
        if drop < 4:
            raise _endless("the edge of target.box", "Widen the box, or mend the sign")
        return bounds

    def _fitted(self) -> Bounds:
        """The bounds within which p is above e⁻⁸ of its peak, and a margin."""
        drop = math.nan
        for half in (3.0, 6.0, 12.0, 24.0, 48.0, 96.0):
            x, log_p, drop = self._probe(((-half, half),) * self.dim)
            if drop > 9:
                inside = x[log_p >= log_p.max() - 8]
                low, high = inside.min(0).values, inside.max(0).values
                margin = 0.08 * float((high - low).max()) + half / 50
                return tuple((float(a) - margin, float(b) + margin) for a, b in zip(low, high, strict=True))
        if math.isnan(drop):
            raise ConfigError("target.log_p: p is 0 everywhere (log p is minus infinity).", "Mend the expression.")
        raise _endless("infinity", "Mend the sign, or give target.box")

    def _probe(self, bounds: Bounds) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Nodes of a grid, log p there, and by how much it has dropped at their edge. Refuses what is not a number."""
        x, _ = grid(bounds, {1: 2000, 2: 200, 3: 40}[self.dim])
        log_p = self.log_prob(x)
        wrong = log_p.isnan() | (log_p == math.inf)
        if wrong.any():
            where = ", ".join(f"{name} = {float(v):.3g}" for name, v in zip(VARIABLES, x[wrong][0], strict=False))
            raise ConfigError(
                f"target.log_p: not a finite number at {where}.",
                "Chains wander, so it must be defined everywhere: write log(abs(x) + 0.1) for log(x).",
            )
        edge = ((x == x.min(0).values) | (x == x.max(0).values)).any(1)
        return x, log_p, float(log_p.max() - log_p[edge].max())


def _endless(where: str, remedy: str) -> ConfigError:
    return ConfigError(
        f"target.log_p: p does not fall away towards {where}.",
        f"{remedy}: log p must go to minus infinity far out.",
    )


class _Reader:
    """Turns the syntax tree of an expression into a function of its variables, noting which are used."""

    def __init__(self, text: str) -> None:
        self.text, self.used = text, set[str]()
        if len(text) > MAX_LENGTH:
            raise ConfigError(f"target.log_p: longer than {MAX_LENGTH} characters.")
        try:
            self.tree = ast.parse(text.strip(), mode="eval").body
        except (RecursionError, MemoryError):
            raise ConfigError("target.log_p: nested too deeply.") from None
        except (SyntaxError, ValueError) as error:
            said = words_of(error).partition(" (<unknown>")[0]
            raise ConfigError(
                f"target.log_p: not an expression ({said}).", 'Example: "-(x**2 + y**2 - 1)**2"'
            ) from None

    def term(self, node: ast.AST, depth: int) -> Term:
        """The function of one node of the tree, `depth` nodes below its root."""
        if depth > MAX_DEPTH:
            raise ConfigError(f"target.log_p: nested more than {MAX_DEPTH} deep.")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._number(value)
            case ast.Name(id=name) if name in VARIABLES:
                self.used.add(name)
                i = VARIABLES.index(name)
                return lambda at: at[i]
            case ast.Name(id=name):
                if name not in CONSTANTS:
                    raise ConfigError(
                        f"target.log_p: unknown name '{name}'.", suggest(name, [*VARIABLES, *CONSTANTS, *FUNCTIONS])
                    )
                return self._number(CONSTANTS[name])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.term(operand, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.term(operand, depth + 1)
                return lambda at: -inner(at)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base, power = self.term(left, depth + 1), self._exponent(right, depth + 1)
                return lambda at: base(at) ** power
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                apply, a, b = OPERATORS[type(op)], self.term(left, depth + 1), self.term(right, depth + 1)
                return lambda at: apply(a(at), b(at))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args, depth)
        raise self._refused(node)

    def _call(self, name: str, args: list[ast.expr], depth: int) -> Term:
        if name not in FUNCTIONS:
            raise ConfigError(f"target.log_p: unknown function '{name}'.", suggest(name, FUNCTIONS))
        arity, function = FUNCTIONS[name]
        if len(args) != arity:
            raise ConfigError(f"target.log_p: {name} takes {arity} argument{'s'[: arity - 1]}, not {len(args)}.")
        inner = [self.term(arg, depth + 1) for arg in args]
        return lambda at: function(*(term(at) for term in inner))

    def _number(self, value: float) -> Term:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ConfigError("target.log_p: a number in it is too large.")
        return lambda at: at[0].new_tensor(number)

    def _exponent(self, node: ast.expr, depth: int) -> float:
        """The value of an exponent, which must be made of numbers only: x**2, x**(1/2), not 2**x or 9**9**9."""
        before, self.used = self.used, set()
        value = self.term(node, depth)
        names, self.used = self.used, before
        if names:
            raise ConfigError("target.log_p: an exponent must be a number.", "Write exp(y*log(2)) for 2**y.")
        power = float(value([torch.zeros(1, dtype=torch.float64)]))
        if not abs(power) <= MAX_POWER:
            raise ConfigError(f"target.log_p: a power of {power:.3g} is too large.", f"At most {MAX_POWER}.")
        return power

    def _refused(self, node: ast.AST) -> ConfigError:
        written = ast.get_source_segment(self.text.strip(), node) or type(node).__name__
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            return ConfigError(f"target.log_p: '{written[:40]}': a power is written **, not ^.")
        return ConfigError(
            f"target.log_p: '{written[:40]}' is not allowed.",
            f"Allowed: numbers, x y z, pi, e, + - * / **, and {', '.join(FUNCTIONS)}.",
        )
