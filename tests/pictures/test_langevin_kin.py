"""langevin by samplers that judge proposals or have momentum: what is their own is on the frames as it was recorded."""

import numpy as np
import pytest
from scipy import ndimage

from diffrender.animation.parts.zoom.pacing import SLOW, STAGES
from diffrender.animation.parts.zoom.verdict import KEPT
from diffrender.animation.parts.zoom.windows import check_moves, momentum_color
from diffrender.core.errors import RenderError
from diffrender.trajectory import Trajectory, TrajectoryWriter

SMALL = {
    "mala": {"step_size": 0.1, "steps": 150},
    "underdamped": {"steps": 150},
    "hmc": {"step_size": 0.2, "steps": 150},  # so long that some are refused
}
HELD = sum(STAGES[name] for name in ("score", "noise", "sides", "sum")) + STAGES["hold"] / 2
PLAIN = {"acts": ["zoom"], "slow_steps": 3}


@pytest.fixture(scope="module")
def chains(recorded):
    """One small recording of each of these samplers."""
    record = {"keep": ["drift", "noise"], "every": 1, "density": True, "density_grid": [79, 58]}
    return {
        kind: recorded("smiley", sampler={"kind": kind, "chains": 1} | sizes, record=record)
        for kind, sizes in SMALL.items()
    }


@pytest.fixture(scope="module")
def held(cinema, chains):
    """`held[kind]`: three steps as (shot, the map in the window, the step), each drawn whole and being judged.

    `held[kind, "fast"]`: three later ones, which go by without labels.
    """
    found, show = {}, cinema("langevin", chain=chains["mala"])
    show.play((), **PLAIN)
    begin, pace = show.scene.cues["zoom"], show.scene.glass.pace
    steps = [0, 1, 2, 8, 10, 12]
    times = [k * SLOW + HELD if k < 3 else pace.starts[k] + pace.durations[k] / 2 for k in steps]
    windows = [(round(10 * (begin + t)), round(10 * (begin + t)) + 1) for t in times]
    for kind, run in chains.items():
        show = cinema("langevin", chain=run)
        shots = show.play(windows, **PLAIN)
        maps = [min(shot.rasters["Heatmap"], key=lambda heat: heat.box[1] - heat.box[0]) for shot in shots]
        seen = [(shot, heat, show.scene.first + k) for shot, heat, k in zip(shots, maps, steps, strict=True)]
        found[kind], found[kind, "fast"], found[kind, "glass"] = seen[:3], seen[3:], show.scene.glass
    return found


def near(frame, color, at, radius, read):
    """The part of a disc round a pixel that is of a colour."""
    (left, top), size = np.floor(at - radius).astype(int), int(2 * radius) + 2
    y, x = np.mgrid[top : top + size, left : left + size] + 0.5
    part = frame[top : top + size, left : left + size].astype(int)
    return (np.abs(part - read.rgb(color)).sum(-1) < 60)[np.hypot(x - at[0], y - at[1]) < radius].mean()


# ---- refused proposals -----------------------------------------------------------------------------------------------
def check_marks(held, run, accepted, read):
    """Of the last proposals exactly the refused ones are marked; the numbers of both kinds that were looked at."""
    seen = []
    for shot, heat, step in held:
        shown = range(max(step - KEPT, 0), step + 1)
        places = read.laid(run["proposal"][list(shown), 0], heat)
        rows, columns = read.window(heat, margin=20)
        dot = read.laid(run["x"][step, 0], heat)
        for k, at in zip(shown, places, strict=True):
            marks = [p for j, p in zip(shown, places, strict=True) if j != k and not accepted[j, 0] and accepted[k, 0]]
            others = np.hypot(*(np.array([*marks, dot]) - at).T).min()
            if rows.start < at[1] < rows.stop and columns.start < at[0] < columns.stop and others > 20:
                marked = near(shot.frame, read.LOOK.reject, at, 3, read) > 0.5
                assert marked != bool(accepted[k, 0]), f"proposal {k} at step {step}"
                seen.append(marked)
    return sum(seen), len(seen) - sum(seen)


@pytest.mark.parametrize("kind", ["mala", "hmc"])
def test_refused_proposals_and_no_others_are_marked(held, chains, read, kind):
    run = chains[kind]
    refused, taken = check_marks(held[kind], run, run["accepted"], read)
    assert refused
    assert taken
    with pytest.raises(AssertionError):
        check_marks(held[kind], run, ~run["accepted"], read)


@pytest.mark.parametrize("kind", ["mala", "hmc"])
def test_the_last_of_the_slow_steps_is_refused_with_a_flash(held, chains, read, kind):
    def flashes(shot, heat, step):
        at, ring = read.laid(chains[kind]["proposal"][step, 0], heat), 0
        for turn in np.radians(np.arange(0, 360, 6)):
            ray = [at + r * np.array([np.cos(turn), np.sin(turn)]) for r in np.arange(25, 70)]
            px = np.clip(np.floor(ray).astype(int), 0, np.array(read.SIZE) - 1)
            ring += (np.abs(shot.frame[px[:, 1], px[:, 0]].astype(int) - read.rgb(read.LOOK.reject)).sum(-1) < 90).any()
        return ring / 60

    *before, last = held[kind]
    assert not chains[kind]["accepted"][last[2], 0]
    assert flashes(*last) > 0.5
    assert all(chains[kind]["accepted"][step, 0] and flashes(shot, heat, step) < 0.5 for shot, heat, step in before)


# ---- momentum and path -----------------------------------------------------------------------------------------------
def check_momentum(frame, heat, x, tip, color, read):
    """The arrow's head, the largest shape of its colour in the window, points from x to `tip` and ends there."""
    inside = np.zeros(frame.shape[:2], bool)
    inside[read.window(heat)] = True
    mask = inside & (np.abs(frame.astype(int) - read.rgb(color)).sum(-1) < 60)
    shapes, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = ndimage.sum(mask, shapes, range(1, count + 1))
    assert len(sizes)
    rows, columns = np.nonzero(shapes == 1 + int(np.argmax(sizes)))
    start, end = read.laid(np.stack([x, tip]), heat)
    far = float(np.hypot(*(end - start)))
    u = (end - start) / far
    away = np.stack([columns + 0.5, rows + 0.5], 1) - start
    along, across = away @ u, away @ [-u[1], u[0]]
    assert along.max() == pytest.approx(far, abs=3)
    assert across[along > along.max() - 4].mean() == pytest.approx(0, abs=2)


@pytest.mark.parametrize("kind", ["underdamped", "hmc"])
def test_the_momentum_arrow_is_the_recorded_momentum(held, chains, read, kind):
    run, time = chains[kind], held[kind, "glass"].view.time
    color = getattr(read.LOOK, momentum_color(run))
    for shot, heat, step in held[kind]:
        x, momentum = run["x"][step, 0], run["momentum"][:, 0]
        check_momentum(shot.frame, heat, x, x + time * momentum[step], color, read)
        with pytest.raises(AssertionError):
            check_momentum(shot.frame, heat, x, x + time * momentum[step - 1], color, read)


def check_path(frame, places, read):
    """A disc stands at each of the places."""
    assert all(near(frame, read.LOOK.sum, at, 3.5, read) > 0.9 for at in places)


@pytest.mark.parametrize("kind", ["underdamped", "hmc"])
def test_the_path_goes_through_its_recorded_states_to_where_it_ends(held, chains, read, kind):
    run, ends = chains[kind], 0
    for shot, heat, step in held[kind, "fast"]:
        last = run["proposal"] if "proposal" in run else run["x"][1:]
        places = read.laid(np.concatenate([run["path"][step, 0, :-1], last[step]]), heat)
        apart = np.hypot(*(places[:, None] - places).T) + 99 * np.eye(len(places))
        alone = apart.min(0) > 16  # where a disc lies under none of the others, nor under the cross of a proposal
        if "accepted" in run:
            crosses = [k for k in range(max(step - KEPT, 0), step + 1) if not run["accepted"][k, 0]]
            for cross in read.laid(run["proposal"][crosses, 0], heat):
                alone &= np.hypot(*(places - cross).T) > 24
        seen, ends = places[1:][alone[1:]], ends + alone[-1]
        assert len(seen)
        check_path(shot.frame, seen, read)
        for shift in ((8, 0), (0, 8), (-8, 0), (0, -8)):
            with pytest.raises(AssertionError):
                check_path(shot.frame, seen + shift, read)
    assert ends


def test_moves_that_are_not_the_recorded_ones_are_refused(chains, tmp_path):
    for kind, key in (("mala", "accepted"), ("hmc", "path")):
        run = chains[kind]
        check_moves(run)
        with TrajectoryWriter(tmp_path / f"{kind}.npz", run.meta) as writer:
            for name in ("x", "time", "drift", "noise", "accepted", "proposal", "momentum", "path"):
                if name in run:
                    spoilt = name == key
                    value = np.asarray(run[name])
                    writer.add(name, ~value if spoilt and value.dtype == bool else value + spoilt * value.dtype.type(1))
        with pytest.raises(RenderError, match=r"moves are not|do not end"):
            check_moves(Trajectory.open(tmp_path / f"{kind}.npz"))


@pytest.mark.parametrize(
    ("kind", "size", "look"),
    [
        ("mala", (480, 270), "dark_de"),
        ("mala", (270, 480), "light_ja"),
        ("mala", (360, 270), "light"),
        ("hmc", (480, 270), "dark_ja"),
        ("hmc", (270, 480), "light_de"),
        ("hmc", (270, 270), "dark"),
        ("underdamped", (270, 480), "dark_de"),
    ],
)
def test_no_text_overlaps_or_leaves_the_frame(cinema, chains, kind, size, look):
    show = cinema("langevin", chain=chains[kind])
    assert show.layout(size, look, 8, speed=3, **PLAIN) == []
