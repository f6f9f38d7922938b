"""Schema of a recording: every member's axes and type, and the checks that they agree with one another.

Axes are written as names. A name has one size in a file, and whoever breaks it is named:

``T+1`` kept states, ``T`` moves between them, ``N`` chains, ``*event`` the shape of one state ((D,) or (C, H, W)),
``M`` reference points, ``L`` points of an inner path, ``*grid`` and ``*density`` the axes of the two probing grids
([z,] [y,] x: those that are there), ``F``, ``P``, ``B``, ``K``, ``S`` numbers of fields, densities, budgets,
snapshots, training steps, ``W`` watched chains, ``Q`` points of a posterior, ``C`` classes, ``R`` fixed points.
``*output`` is the shape of what a network puts out, ``*image`` that of an image that a state stands for, ``V`` how many
chains' are kept, ``U`` of how many images reconstructions are, ``G`` how many classes there are; in a recording of an
autoencoder ``K`` are moments of its training and ``I`` the images whose codes are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffrender.core.errors import TrajectoryError, suggest

SCHEMA_VERSION = 1
KINDS = ("reverse", "langevin", "forward", "training", "autoencoder")
REQUIRED = {
    "reverse": ("x", "time", "alpha", "sigma"),
    "langevin": ("x", "time"),
    "forward": ("x", "time", "alpha", "sigma"),
    "training": ("loss", "snapshot", "snapshot_step"),
    "autoencoder": ("code", "epoch"),
}


@dataclass(frozen=True)
class Member:
    """Axes (names, space-separated), NumPy kinds allowed (f float, i int, b bool) and meaning of one array."""

    axes: str
    kinds: str
    meaning: str


MEMBERS: dict[str, Member] = {
    "x": Member("T+1 N *event", "f", "state at every kept step, first and last included"),
    "time": Member("T+1", "f", "where each state stands, in the units of the noise schedule"),
    "alpha": Member("T+1", "f", "signal scale of each state: x = alpha x_0 + sigma eps"),
    "sigma": Member("T+1", "f", "noise scale of each state"),
    "nfe": Member("T+1", "i", "network calls until each state"),
    "x0": Member("T N *event", "f", "clean data predicted at the start of each move"),
    "eps": Member("T N *event", "f", "noise predicted at the start of each move"),
    "drift": Member("T N *event", "f", "deterministic part of each move"),
    "noise": Member("T N *event", "f", "random part of each move"),
    "accepted": Member("T N", "b", "whether the chain moved"),
    "proposal": Member("T N *event", "f", "where it proposed to go"),
    "momentum": Member("T N *event", "f", "momentum at the start of each move"),
    "momentum_end": Member("T N *event", "f", "momentum at the end of the path that is proposed"),
    "log_ratio": Member("T N", "f", "Metropolis: it was taken if `uniform` < exp(`log_ratio`)"),
    "uniform": Member("T N", "f", "the draw in [0, 1) that decided it"),
    "path": Member("T N L *event", "f", "the way inside each move: leapfrog steps, or the halves of BAOAB"),
    "model_output": Member("T N *output", "f", "what the network put out at the start of each move"),
    "output_conditional": Member("T N *branch", "f", "the same under the condition, of guidance"),
    "output_unconditional": Member("T N *branch", "f", "the same without it"),
    "timestep": Member("T", "f", "what the network was told of the noise level"),
    "source": Member("N *event", "f", "clean data that the run began from, with noise added"),
    "source_noise": Member("N *event", "f", "that noise, of unit variance"),
    "decoded_x": Member("shown drawn *image", "f", "the same of some states"),
    "decoded_x0": Member("shown drawn *image", "f", "images of the clean data predicted at those"),
    "decoded_step": Member("shown", "i", "which states those are"),
    "label": Member("N", "i", "class of each chain"),
    "target": Member("M *event", "f", "reference data"),
    "target_label": Member("M", "i", "class of each reference point"),
    "grid_x": Member("grid_x", "f", "where fields are probed"),
    "grid_y": Member("grid_y", "f", "where fields are probed"),
    "grid_z": Member("grid_z", "f", "where fields are probed"),
    "field_time": Member("F", "f", "`time` of each field; in a training record the training step"),
    "density": Member("P *density", "f", "normalised probability density of the target"),
    "density_time": Member("P", "f", "`time` of each density"),
    "density_x": Member("density_x", "f", "where the density is probed"),
    "density_y": Member("density_y", "f", "where the density is probed"),
    "density_z": Member("density_z", "f", "where the density is probed"),
    "posterior": Member("T Q D", "f", "points of p(x_0 | x_t) of the followed chain"),
    "posterior_weight": Member("T Q", "f", "how likely each is; the weights of a step sum to 1"),
    "posterior_mean": Member("T D", "f", "E[x_0 | x_t] of the followed chain, exactly"),
    "posterior_cov": Member("T D D", "f", "Cov[x_0 | x_t] of the followed chain, from the Jacobian of the exact score"),
    "model_cov": Member("T D D", "f", "the same from the Jacobian of the model's score"),
    "collapse": Member("D", "f", "where the reverse process without its noise takes the mean of the data"),
    "class_prob": Member("T+1 W C", "f", "p(class | x_t) of each watched chain"),
    "fixed_point": Member("R D", "f", "x/alpha where the score has a fixed point, of all levels"),
    "fixed_point_step": Member("R", "i", "the state at whose level each lies"),
    "fixed_point_stable": Member("R", "b", "whether the flow towards the data comes to stand there"),
    "fixed_point_variance": Member("R", "f", "largest eigenvalue of Cov[x_0 | x_t] there"),
    "log_p": Member("T W", "f", "log p_t(x_t) of each watched chain, by the divergence along the flow"),
    "log_p_exact": Member("T W", "f", "the same in closed form, where the flow comes"),
    "flow_jacobian": Member("T W D D", "f", "dx_t/dx_T of the flow at each watched chain"),
    "tilted": Member("claims tilted_y tilted_x", "f", "p(x | c)^w p(x)^(1 - w), normalised, of each class"),
    "tilted_label": Member("claims", "i", "which classes these are"),
    "tilted_x": Member("tilted_x", "f", "where they are probed"),
    "tilted_y": Member("tilted_y", "f", "where they are probed"),
    "noise_estimate": Member("T+1 E", "f", "noise in the first E chains' states, as told from the pictures alone"),
    "nearest": Member("N *event", "f", "the state of the data that each final state is nearest to"),
    "nearest_index": Member("N", "i", "its number in the data set"),
    "nearest_distance": Member("N", "f", "root mean square difference to it, of images in values of [−1, 1]"),
    "budget_nfe": Member("B", "i", "network calls of each of some runs from the same noise"),
    "budget_x": Member("B N *event", "f", "their last states"),
    "budget_sliced_wasserstein": Member("B", "f", "how far these are from fresh data"),
    "nearest_apart": Member("N", "f", "the same from that state of the data to the nearest other one of them"),
    "loss": Member("S", "f", "training loss of every step"),
    "snapshot": Member("K N *event", "f", "samples drawn while training, always from the same noise"),
    "snapshot_step": Member("K", "i", "training steps done before each snapshot"),
    "generation": Member("moments N *event", "f", "states from that noise to the last snapshot"),
    "generation_alpha": Member("moments", "f", "signal scale of each of these"),
    "generation_sigma": Member("moments", "f", "noise scale of each of these"),
    "pair_x0": Member("pairs D", "f", "some of the data that a network is trained on"),
    "pair_noised": Member("pairs D", "f", "these with noise, all at the level `meta.pair_level`"),
    "pair_guess": Member("K pairs D", "f", "what the network says of x_0, given that, at each snapshot"),
    "pair_best": Member("pairs D", "f", "E[x_0 | x_t] of the data that it is trained on: the best it can say"),
    "decoded": Member("T+1 V *image", "f", "images decoded from the first V chains' states, in [−1, 1]"),
    "read": Member("N", "i", "the class that a reader tells from the image decoded from each final state"),
    "code": Member("K I *event", "f", "codes of I images at K moments of the autoencoder's training"),
    "code_label": Member("I", "i", "classes of these images"),
    "epoch": Member("K", "f", "how often all images had been seen at each moment"),
    "image": Member("U *image", "f", "some images, in [−1, 1]"),
    "reconstruction": Member("K U *image", "f", "what became of them, encoded and decoded"),
    "loss_reconstruction": Member("S", "f", "−log p(image | code) of every step, nats"),
    "loss_kl": Member("S", "f", "KL divergence of the codes from normal, nats"),
    "loss_label": Member("S", "f", "weighted cross-entropy of the classes, where they are learned too"),
    "class_density": Member("G density_y density_x", "f", "density of place and class; its sum is that of all codes"),
    "sheet": Member("sheet_y sheet_x *image", "f", "images decoded over the plane"),
    "sheet_x": Member("sheet_x", "f", "where the sheet is decoded"),
    "sheet_y": Member("sheet_y", "f", "where the sheet is decoded"),
}
PATTERNS = {
    "field_": Member("F *grid D", "f", "vectors on the grid"),
    "move_": Member("T W D", "f", "how far one step of another sampler goes from each state"),
    "metric_": Member("T+1", "f", "figures drawn as curves; in a training record one a snapshot"),
}
KIND_NAMES = {"f": "floating point", "i": "integers", "b": "booleans"}
FARTHEST = 1e30
ROUNDING = 1e-5  # of the largest level, by which a table of single precision may lie below 0
CHANNELS, BYTE_LIKE = (1, 3, 4), 16.0  # of images; values from which on they are bytes, not [−1, 1]
CHUNK = 1 << 16  # numbers looked at in one go: they stay in the cache
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def member(key: str, kind: str) -> Member | None:
    """What the schema says about `key` in a recording of `kind`; None for a key that is the writer's own."""
    if key in MEMBERS:
        return MEMBERS[key]
    for prefix, found in PATTERNS.items():
        if key.startswith(prefix):
            own_axis = prefix == "metric_" and kind in ("training", "autoencoder")
            return Member("K", found.kinds, found.meaning) if own_axis else found
    return None


def check_keys(keys: Iterable[str], kind: str, where: str) -> None:
    """TrajectoryError unless everything that a recording of `kind` must hold is among `keys`."""
    keys = set(keys)
    for key in REQUIRED[kind]:
        if key not in keys:
            raise TrajectoryError(
                f"{where}: '{key}' is missing; a recording of kind '{kind}' must hold it.", suggest(key, keys)
            )
    for fields, time in (("field_", "field_time"), ("density", "density_time")):
        users = [k for k in keys if k.startswith(fields) and k not in MEMBERS] + (["density"] if fields in keys else [])
        if users and time not in keys:
            raise TrajectoryError(f"{where}: '{users[0]}' is there but '{time}' is missing.")


def check_shapes(arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]], kind: str, where: str) -> None:
    """TrajectoryError naming the first key whose type or shape is not what the schema and the other members say."""
    sizes = _Sizes(arrays, where)
    for key in sorted(arrays, key=lambda k: (k != "x", k not in REQUIRED[kind], k not in MEMBERS, k)):
        shape, dtype = arrays[key]
        rule = member(key, kind)
        if rule is None:
            continue
        if dtype.kind.replace("u", "i") not in rule.kinds:
            wanted = " or ".join(KIND_NAMES[k] for k in rule.kinds)
            remedy = f"Save it with numpy.asarray({key}, float)." if rule.kinds == "f" else ""
            raise TrajectoryError(f"{where}: '{key}' holds {dtype}, but must hold {wanted}.", remedy)
        sizes.bind(key, shape, rule.axes.split())


def check_values(arrays: Mapping[str, np.ndarray], kind: str, where: str) -> None:
    """TrajectoryError for levels that cannot be, and for states that are no images in [−1, 1], or out of all bounds."""
    levels = [np.asarray(arrays[key], float) for key in ("alpha", "sigma") if key in arrays]
    if len(levels) == 2:
        for key, values in zip(("alpha", "sigma"), levels, strict=True):
            if values.min() < -ROUNDING * values.max():
                raise TrajectoryError(f"{where}: '{key}' is {values.min():g} at index {int(values.argmin())}, below 0.")
        (alpha, *_, last_alpha), (sigma, *_, last_sigma) = (np.append(values, values[-1]) for values in levels)
        if kind == "reverse" and sigma * last_alpha < last_sigma * alpha * (1 - 1e-6):
            raise TrajectoryError(
                f"{where}: its noise grows, from σ {sigma:g} to {last_sigma:g}; a reverse run ends in data.",
                "Turn it round (x[::-1], …), or call it a 'forward' run.",
            )
    x = arrays.get("x")
    if x is None or x.dtype.kind != "f":
        return
    ends = np.asarray(x[[0, -1]], np.float64)
    if (reach := float(np.abs(ends).max())) > FARTHEST:
        raise TrajectoryError(f"{where}: 'x' reaches {reach:.2g}, farther out than can be drawn ({FARTHEST:g}).")
    if x.ndim == 5:
        height, width, channels = x.shape[2:]
        if channels in CHANNELS and height == width and height not in CHANNELS:
            raise TrajectoryError(
                f"{where}: 'x' has images of shape {x.shape[2:]}, and (channels, height, width) is needed.",
                "Turn it: x.transpose(0, 1, 4, 2, 3).",
            )
        if x.shape[2] in CHANNELS and ends[1].min() >= -1 and ends[1].max() > BYTE_LIKE:
            raise TrajectoryError(
                f"{where}: the images of 'x' end as values up to {ends[1].max():.0f}; images are values in [−1, 1].",
                "Rescale them, of 0 … 255 as x / 127.5 - 1.",
            )


class _Sizes:
    """Sizes of the named axes, each with the key that set it."""

    def __init__(self, arrays: Mapping[str, Any], where: str) -> None:
        self.arrays, self.where = arrays, where
        self.known: dict[str, tuple[int, str]] = {}
        self.shapes: dict[str, tuple[tuple[int, ...], str]] = {}  # of an event, and of an image

    def bind(self, key: str, shape: tuple[int, ...], axes: list[str]) -> None:
        """Check `shape` of `key` against `axes`, and learn the sizes that were not known."""
        names = [name for axis in axes for name in self._expand(axis)]
        starred = names[-1] if names[-1].startswith("*") else ""
        if len(shape) < len(names) if starred else len(shape) != len(names):
            raise self._wrong(key, shape, axes, f"it has {len(shape)} axes")
        if starred:
            names = names[:-1]
            event = shape[len(names) :]
            if not event or 0 in event:
                raise self._wrong(key, shape, axes, f"an {starred[1:]} cannot be empty")
            known, by = self.shapes.setdefault(starred, (event, key))
            if event != known:
                raise self._wrong(key, shape, axes, f"'{by}' has {starred[1:]}s {known}")
        for name, size in zip(names, shape, strict=False):
            self._bind_one(key, shape, axes, name, size)

    def _bind_one(self, key: str, shape: tuple[int, ...], axes: list[str], name: str, size: int) -> None:
        if name == "T":
            name, size = "T+1", size + 1
        if size == 0:
            raise self._wrong(key, shape, axes, "it is empty")
        known, by = self.known.setdefault(name, (size, key))
        if size != known:
            raise self._wrong(key, shape, axes, f"'{by}' sets {name} = {known}")

    def _expand(self, axis: str) -> list[str]:
        if axis not in ("*grid", "*density"):
            return [axis]
        return [name for d in "zyx" if (name := f"{axis[1:]}_{d}") in self.arrays]

    def _wrong(self, key: str, shape: tuple[int, ...], axes: list[str], why: str) -> TrajectoryError:
        return TrajectoryError(f"{self.where}: '{key}' has shape {shape}, but must be ({', '.join(axes)}): {why}.")


def first_not_finite(array: np.ndarray) -> int | None:
    """Index on the first axis of the first NaN or infinity, or None; looked at in chunks."""
    if array.dtype.kind != "f" or array.size == 0:
        return None
    flat = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1)
    for at in range(0, flat.size, CHUNK):
        fine = np.isfinite(flat[at : at + CHUNK])
        if not fine.all():
            index = at + int(np.argmin(fine))
            return index // (array.size // len(array)) if array.flags.c_contiguous else index % len(array)
    return None
