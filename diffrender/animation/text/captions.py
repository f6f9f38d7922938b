"""Captions: what a recording says of itself, as Typst text. A recording that does not say is said not to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffrender.animation.text.typst import escaped
from diffrender.trajectory.reader import Trajectory

PROBED = 8  # moves that are looked at for whether there is any noise in them
NOT_RECORDED = "not recorded"
SHORT = {"hmc": "HMC", "mala": "MALA", "underdamped": "BAOAB"}  # samplers by the letters they are known by


def sampler(run: Trajectory) -> str:
    """The sampler that ran: as the recording wants it named, else its recorded name."""
    said = run.meta.get("sampler") or {}
    name = str(said.get("title") or said.get("name") or "").removeprefix("diffusers:").replace("_", " ")
    return escaped(name) or f"sampler {NOT_RECORDED}"


def short_sampler(run: Trajectory) -> str:
    """The same in letters, where it is known by some."""
    return SHORT.get((run.meta.get("sampler") or {}).get("name", ""), sampler(run))


def equation(run: Trajectory) -> str:
    """The sampler's own update as an equation with named terms; of a recording without one, the split it records.

    That names x̂0 only where one was recorded.
    """
    said = str((run.meta.get("sampler") or {}).get("equation") or "")
    if "{{" in said:
        return said
    kick = " + {{sigma_t thin xi : noise}}" if "noise" in run and bool(run["noise"][:PROBED].any()) else ""
    move = "Delta_t (x_t, hat(x)_0)" if "x0" in run else "Delta_t"
    return f"{{{{x_(t-1) : sum}}}} = x_t + {{{{{move} : data}}}}{kick}"


def seed(run: Trajectory) -> str:
    """`seed 7`."""
    value = run.meta.get("seed")
    return f"seed {NOT_RECORDED if value is None else value}"


def model(run: Trajectory) -> str:
    """`exact score`, or what network it was; empty for the forward process, which asks none."""
    said = run.meta.get("model")
    if isinstance(said, dict):
        return escaped(str(said.get("label") or ""))
    if run.kind == "forward":
        return ""
    # recordings of earlier versions name the kind alone
    old = {"exact": "exact denoiser", "density": "exact score", "learned": "learned"}
    return old.get(str(said or ""), f"model {NOT_RECORDED}")


def learned(run: Trajectory) -> bool:
    """Whether a network predicted, and no formula."""
    said = run.meta.get("model")
    return (said.get("kind") if isinstance(said, dict) else said) == "learned"


def points(run: Trajectory) -> str:
    """`2,000 points`."""
    return f"{run.chains:,} point{'s' * (run.chains != 1)}"


def scaling(run: Trajectory) -> str:
    """What `run.states` did to the recorded ones; empty if nothing."""
    return "scaled to unit variance" if run.rescaled else ""


def data_apart(run: Trajectory) -> list[str]:
    """How far images of the data are from one another, to judge distances to them by; [] if it was not recorded."""
    if "nearest_apart" not in run:
        return []
    return [f"data from one another: {np.median(run['nearest_apart']):.2f}"]


def guidance(run: Trajectory) -> float:
    """The scale of guidance, where a class was asked for: 1 is none; 0 if no class is known."""
    if "label" not in run:
        return 0.0
    return float(((run.meta.get("config") or {}).get("sampler") or {}).get("guidance_scale", 1.0))


def asked(run: Trajectory) -> list[str]:
    """The classes that images were asked to be of, and how much that was guided; [] if none was asked for."""
    labels = (run.meta.get("target") or {}).get("labels") or []
    scale = guidance(run)
    if not scale or not labels:
        return []
    names = [escaped(str(labels[k])) for k in np.unique(run["label"])]
    if len(names) > 3:
        names = [*names[:2], f"… {names[-1]}"]
    said = f"class {names[0]}" if len(names) == 1 else f"asks for {', '.join(names)}"
    return [said, *([f"guided, $w = {scale:g}$"] if scale != 1 else [])]


def title(run: Trajectory, fallback: str) -> str:
    """The config's title if it has one."""
    return escaped(str((run.meta.get("config") or {}).get("title") or "")) or fallback


ITEMS: dict[str, Callable[[Trajectory], str]] = {
    "sampler": sampler, "points": points, "scaling": scaling, "seed": seed, "model": model,
}  # fmt: skip
