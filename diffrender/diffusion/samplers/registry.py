"""The registry of samplers, in which every scheduler of diffusers is found by its class name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from diffrender.core.registry import Entry, Registry

Equation = str | Callable[[Mapping[str, Any]], str]
FEW_STEPS = 30  # up to which it matters to a method of the first order that draws noise where its levels lie


def suited_spacing(info: Mapping[str, Any], steps: int, entries: int) -> str:
    """How levels are chosen for a sampler of these facts where a config does not say: its own spacing.

    Few steps of a method of the first order that draws noise are even in angle, unless the table has no more entries
    (tests/benchmarks/spacing.txt: within a hundredth on every table, where linspace is up to twice as far off).
    """
    noisy = info["kind"] == "reverse" and info["order"] == 1 and info["stochastic"]
    few = steps <= FEW_STEPS and steps < entries
    return "angle" if noisy and few and info["spacing"] == "linspace" else info["spacing"]


class Samplers(Registry):
    """The registry of samplers, in which every scheduler of diffusers is found as `diffusers:ClassName`."""

    def register(
        self,
        name: str,
        *,
        aliases: tuple[str, ...] = (),
        kind: str = "reverse",
        title: str = "",
        equation: Equation = "",
        order: int | None = 1,
        stochastic: bool | None = None,
        nfe_per_step: int | str = 1,
        spacing: str = "",
        **info: Any,
    ) -> Callable[[Callable], Callable]:
        """Decorator: file a sampler under `name` and `aliases`; what it says here is listed, and recorded.

        Parameters
        ----------
        kind: reverse (noise becomes data), langevin (a density is followed) or forward (data become noise).
        title: its name on screen; default, `name` in words. equation: its update in Typst mathematics, terms tagged
        `{{… : sum}}`, state, data, score or noise, as scenes colour them; or a function of the options to that.
        order: of convergence, start-up steps included: a multistep method begins with one of Euler's, which leaves it
        at the second order; `order_after_start`, a further fact, is that of its other steps. stochastic: whether it
        draws noise; default, only a reverse sampler does not. nfe_per_step: network calls, or the option that says how
        many. spacing: of its levels where a config does not say; default, linspace for order 1 and karras above; see
        `suited_spacing`. info: further facts, such as `paper`.
        """
        facts = {
            "kind": kind,
            "title": title or name.replace("_", " "),
            "equation": equation,
            "order": order,
            "stochastic": kind != "reverse" if stochastic is None else stochastic,
            "nfe_per_step": nfe_per_step,
            "spacing": spacing or ("karras" if kind == "reverse" and (order or 1) > 1 else "linspace"),
        }
        return super().register(name, aliases=aliases, **facts, **info)

    def facts(self, entry: Entry) -> dict[str, Any]:
        """A function of (density, x, noise) follows a density; one that also takes levels removes noise."""
        langevin = len(entry.positional()) == 3
        kind = "langevin" if langevin else "reverse"
        own = {"kind": kind, "order": None, "stochastic": langevin, "nfe_per_step": 1, "spacing": "linspace"}
        return {**super().facts(entry), **own}

    def __contains__(self, name: str) -> bool:
        return super().__contains__(name) or name.startswith("diffusers:")

    def __getitem__(self, name: str) -> Entry:
        if name.startswith("diffusers:"):
            from diffrender.diffusion.samplers.diffusers_scheduler import entry

            return entry(name)
        return super().__getitem__(name)


SAMPLERS = Samplers("sampler", (("denoise", "x", "levels", "noise"), ("density", "x", "noise")))
