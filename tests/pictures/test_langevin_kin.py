"""langevin by samplers that judge proposals or have momentum: what is their own is on the frames as it was recorded."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.space.landscape import Landscape
from diffrender.animation.parts.mixing import mixing, rounded
from diffrender.animation.parts.zoom.friction_window import BAOAB, CHANGES
from diffrender.animation.parts.zoom.pacing import SLOW, STAGES
from diffrender.animation.parts.zoom.step_window import WHOLE
from diffrender.animation.parts.zoom.verdict import KEPT
from diffrender.animation.parts.zoom.windows import check_moves
from diffrender.animation.theme import theme
from diffrender.core.errors import RenderError
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.trajectory import Trajectory, TrajectoryWriter

SMALL = {
    "mala": {"step_size": 0.1, "steps": 150},
    "underdamped": {"steps": 150},
    "hmc": {"step_size": 0.2, "steps": 150},  # so long that some are refused
}
CARRIED = 1 - BAOAB["glide"] / 4 / sum(BAOAB.values())  # of a step of BAOAB: its new velocity stands alone
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

    `held[kind, "fast"]`: later ones, which go by without labels, more of hmc.
    """
    found = {}
    for kind, run in chains.items():
        show = cinema("langevin", chain=run)
        show.play((), **PLAIN)
        begin, glass = show.scene.cues["zoom"], show.scene.glass
        steps = [0, 1, 2, *((5, 6, 7, 8, 9, 10, 11) if kind == "hmc" else (8, 10, 12))]
        starts, lasts = glass.pace.starts, glass.pace.durations
        whole = CARRIED if kind == "underdamped" else HELD / SLOW
        times = [begin + starts[k] + lasts[k] * (whole if k < 3 or kind == "hmc" else 0.5) for k in steps]
        shots = show.play([(round(10 * t), round(10 * t) + 1) for t in times], **PLAIN)
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
def check_marks(held, run, accepted, read, kept):
    """Of the last proposals exactly the refused ones are marked; the numbers of both kinds that were looked at."""
    seen = []
    for shot, heat, step in held:
        shown = range(max(step - kept, 0), step + 1)
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
    run, kept = chains[kind], held[kind, "glass"].view.verdict.kept
    assert kept == (KEPT if kind == "mala" else 0)
    refused, taken = check_marks(held[kind], run, run["accepted"], read, kept)
    assert refused
    assert taken
    with pytest.raises(AssertionError):
        check_marks(held[kind], run, ~run["accepted"], read, kept)


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


def test_the_end_says_in_the_equations_place_what_a_chain_is_worth(cinema, chains):
    show = cinema("langevin", chain=chains["hmc"])
    show.play((), acts=["histogram"], histogram_seconds=1.0)
    scene = show.scene
    (said,) = scene.result()
    assert f"{scene.found[1]:,} ± {scene.found[2]:,} gradients" in said.body
    assert "walk" not in said.body
    assert said.get_left()[0] > scene.page.title_end
    assert said.get_right()[0] == pytest.approx(scene.equation.get_right()[0], abs=0.05)
    scene.found = None  # it was not shown
    assert scene.result() == [scene.equation]
    beside = cinema("langevin", chain=chains["hmc"], walk=chains["underdamped"])
    beside.play((), acts=["histogram"], histogram_seconds=1.0)
    needs = rounded(mixing(chains["underdamped"]["x"][1:]).steps)
    assert f"a walk: {needs:,}" in beside.scene.result()[0].body
    curves = [sum(isinstance(mob, Curve) for mob in scene.chart.mobjects) for scene in (show.scene, beside.scene)]
    assert curves == [1, 2]


def test_the_hill_of_samplers_with_momentum_is_turned_over():
    y, x = np.mgrid[-2:2:41j, -2:2:41j]
    box = (-2.0, 2.0, -2.0, 2.0)
    made = {"high": 1.0, "power": 0.7, "theme": theme("dark"), "extent": box, "shown": box}
    hill, bowl = (Landscape(box, box, np.exp(-3 * (x**2 + y**2)), turned=turned, **made) for turned in (False, True))
    assert hill.height((0, 0)) > hill.height((1.9, 1.9)) == pytest.approx(0, abs=0.1)
    assert bowl.height((0, 0)) < bowl.height((1.9, 1.9)) == pytest.approx(0, abs=0.1)


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


def test_the_momentum_arrow_is_the_recorded_momentum(held, chains, read):
    """As a step ends, the green shape of the window is the arrow of the momentum that comes of it."""
    run, time = chains["underdamped"], held["underdamped", "glass"].view.time
    for shot, heat, step in held["underdamped"]:
        x, momentum = run["x"][step + 1, 0], run["momentum"][:, 0]
        check_momentum(shot.frame, heat, x, x + time * momentum[step + 1], read.LOOK.accept, read)
        with pytest.raises(AssertionError):
            check_momentum(shot.frame, heat, x, x + time * momentum[step], read.LOOK.accept, read)


def check_arrows(view, step, parts, tails):
    """The window's arrows of these names are vectors of the velocity, drawn at its scale from their tails."""
    for name, vector in parts.items():
        arrow = view.arrows[name]
        start, end = (view.heat.to_scene(p)[:2] for p in (tails[name], tails[name] + view.time * vector))
        assert np.allclose(arrow.start, start, atol=1e-3), name
        assert np.allclose(arrow.end, end, atol=1e-3), name


def at_stage(name, part=0.98):
    """The part of a step of BAOAB at which a stage has come so far."""
    order = [*BAOAB]
    return (sum(BAOAB[k] for k in order[: order.index(name)]) + part * BAOAB[name]) / sum(BAOAB.values())


def test_each_part_of_a_step_of_baoab_is_drawn_where_and_when_the_integrator_does_it(held, chains):
    """Half a kick and half a drift, friction and noise, half a drift and half a kick, by the closed form."""
    glass, run, h, gamma = held["underdamped", "glass"], chains["underdamped"], 0.1, 1.0
    view, density, kept = glass.view, DENSITIES["smiley"].make(), np.exp(-gamma * h)

    def half_kick(x):
        return h / 2 * density.score(torch.as_tensor(np.array(x, np.float32))[None])[0].numpy()

    for step in range(glass.first, glass.first + 3):
        x, following = run["x"][step, 0], run["x"][step + 1, 0]
        v, kick = run["momentum"][step, 0], half_kick(x)
        kicked = v + kick
        middle, friction = x + h / 2 * kicked, (kept - 1) * kicked
        shaken = 2 / h * (following - middle)
        noise, kick_on, after = shaken - kept * kicked, half_kick(following), run["momentum"][step + 1, 0]
        assert kicked @ friction == pytest.approx(-np.linalg.norm(kicked) * np.linalg.norm(friction), rel=1e-5)
        time = view.time
        wanted = {
            "kick": ({"momentum": v, "kick": kick, "kicked": kicked}, [x, x + time * v, x], x),
            "noise": ({"kicked": kicked, "noise": noise, "shaken": shaken},
                      [middle, middle + time * kept * kicked, middle], middle),
            "kick_on": ({"shaken": shaken, "kick_on": kick_on, "next": after},
                        [following, following + time * shaken, following], following),
        }  # fmt: skip
        view.look_at(glass.centres[step - glass.first])
        for stage, (parts, places, dot) in wanted.items():
            view.show(step, view.stages(at_stage(stage)))
            tails = dict(zip(parts, places, strict=True))
            check_arrows(view, step, parts, tails)
            assert np.allclose(view.dot.xy[0], dot, atol=1e-3)
            for name in parts:
                with pytest.raises(AssertionError):
                    check_arrows(view, step, parts | {name: parts[name] * 1.1 + 0.02}, tails)
        view.show(step, view.stages(at_stage("friction")))
        across = view.arrows["friction"].end - view.arrows["friction"].start
        scale = (view.rect[1] - view.rect[0]) / view.size[0] * time
        assert np.allclose(across, scale * friction, atol=2e-3), "it lies beside the velocity, against it"
        assert not len(view.arrows["noise"].face.points), "chance comes after friction"
        assert not any(len(view.arrows[name].face.points) for name in ("shaken", "kick_on", "next"))


def test_kicks_of_a_leapfrog_path_are_the_gradient_there_between_the_recorded_momenta(held, chains):
    glass, run = held["hmc", "glass"], chains["hmc"]
    density, h = DENSITIES["smiley"].make(), SMALL["hmc"]["step_size"]
    for step in range(glass.first, glass.first + 3):
        path = torch.as_tensor(np.array(run["path"][step, 0], np.float32))
        weights = np.ones((len(path), 1))
        weights[[0, -1]] = 0.5
        wanted, kicks = h * weights * density.score(path).numpy(), glass.view.kick_vectors(step)
        assert np.allclose(kicks, wanted, atol=2e-5)
        vectors = {"momentum": run["momentum"][step, 0], "arriving": run["momentum_end"][step, 0]}
        tails = {"momentum": run["x"][step, 0], "arriving": run["proposal"][step, 0]}
        glass.view.look_at(glass.centres[step - glass.first])
        glass.view.show(step, WHOLE)
        check_arrows(glass.view, step, vectors, tails)
        with pytest.raises(AssertionError):
            check_arrows(glass.view, step, vectors, dict(zip(tails, [*tails.values()][::-1], strict=True)))
        assert not np.allclose(kicks, np.roll(wanted, 1, 0), atol=2e-3)


def check_decision(decision, run, step, change):
    """A bar of length A, the mark at u, the figures, and the word for what became of the proposal."""
    decision.show(step, WHOLE)
    likely, draw = min(1.0, float(np.exp(-change))), float(run["uniform"][step, 0])
    shown = [text.numbers[0].value for text in decision.figures]
    assert shown == pytest.approx([change, likely][-len(shown) :], abs=1e-3)
    length = decision.right - decision.left
    assert np.ptp(decision.bars["likely"].points[:, 0]) / length == pytest.approx(likely, abs=2e-3)
    assert (decision.mark.get_x() - decision.left) / length == pytest.approx(draw, abs=2e-3)
    assert decision.drawn.numbers[0].value == pytest.approx(draw)
    fates = [word.submobjects[0].fill_rgbas[0, 3] for word in decision.words]
    assert fates == [float(not run["accepted"][step, 0]), float(run["accepted"][step, 0])]
    assert bool(run["accepted"][step, 0]) == (draw < likely)
    shown = [line.get_family()[-1].fill_rgbas[0, 3] > 0 for line in decision.foot.lines]
    assert shown == [False, draw >= likely, draw < likely], "the reason has gone; which state counts now"
    taken = int(run["accepted"][: step + 1, 0].sum())
    assert [number.value for number in decision.foot.tally.numbers] == [taken, step + 1]


def test_a_proposal_is_decided_by_the_recorded_energies_and_draw(held, chains):
    """Of HMC by the change of H = −log p + ½‖v‖², of MALA by p and the odds of the way there and back."""
    density = DENSITIES["smiley"].make()

    def log_p(x):
        return density.log_prob(torch.as_tensor(x, dtype=torch.float32)).numpy()

    for kind in ("hmc", "mala"):
        glass, run = held[kind, "glass"], chains[kind]
        (decision,) = glass.beside
        for step in range(glass.first, glass.first + 3):
            x, proposal = np.asarray(run["x"][step, 0], float), np.asarray(run["proposal"][step, 0], float)
            change = -np.diff(log_p(np.stack([x, proposal])))[0]
            if kind == "hmc":
                start, end = (0.5 * np.square(run[name][step, 0]).sum() for name in ("momentum", "momentum_end"))
                change += end - start
            else:
                tau = SMALL["mala"]["step_size"]
                score = density.score(torch.as_tensor(np.stack([x, proposal]), dtype=torch.float32)).numpy()
                there, back = proposal - x - tau * score[0], x - proposal - tau * score[1]
                change += (np.square(back).sum() - np.square(there).sum()) / (4 * tau)
            check_decision(decision, run, step, change)
            for spoilt in (change + 0.3, change - 0.3):
                if min(1.0, np.exp(-spoilt)) != min(1.0, np.exp(-change)):
                    with pytest.raises(AssertionError):
                        check_decision(decision, run, step, spoilt)


def check_path(frame, places, read):
    """A disc stands at each of the places."""
    assert all(near(frame, read.LOOK.sum, at, 3.5, read) > 0.9 for at in places)


def test_the_path_goes_through_its_recorded_states_to_where_it_ends(held, chains, read):
    run, frames, kind = chains["hmc"], 0, "hmc"
    for shot, heat, step in held[kind, "fast"]:
        places = read.laid(np.concatenate([run["path"][step, 0, :-1], run["proposal"][step]]), heat)
        apart = np.hypot(*(places[:, None] - places).T) + 99 * np.eye(len(places))
        alone = apart.min(0) > 16  # where a disc lies under none of the others, nor under the cross of a proposal
        crosses = [k for k in range(max(step - KEPT, 0), step + 1) if not run["accepted"][k, 0]]
        for cross in read.laid(run["proposal"][crosses, 0], heat):
            alone &= np.hypot(*(places - cross).T) > 24
        seen = places[1:][alone[1:]]
        if not len(seen):
            continue  # so short a path that its discs lie on each other
        frames += 1
        check_path(shot.frame, seen, read)
        for shift in ((8, 0), (0, 8), (-8, 0), (0, -8)):
            with pytest.raises(AssertionError):
                check_path(shot.frame, seen + shift, read)
    assert frames >= 3


def outside(glass, steps, spread=1.0):
    """How many of some steps have a stop of their path, `spread` times as far from its middle, outside the window."""
    found = 0
    for step in steps:
        view, middle = glass.view, glass.centres[step - glass.first]
        view.look_at(middle)
        found += not view.holds(middle + spread * (view.path[step] - middle)).all()
    return found


@pytest.mark.parametrize("kind", ["underdamped", "hmc"])
def test_the_window_holds_the_whole_path_of_every_step_that_is_shown(held, kind):
    glass = held[kind, "glass"]
    most = 0.92 * np.array(glass.view.size)  # a path that is as wide as the panel cannot be held
    steps = [k for k in range(glass.first, glass.last + 1) if (np.ptp(glass.view.path[k], axis=0) < most).all()]
    assert len(steps) >= glass.last - glass.first
    assert outside(glass, steps) == 0
    assert outside(glass, steps, spread=2.5) > 0, "the control: longer paths"


@pytest.mark.parametrize("kind", ["underdamped", "hmc"])
def test_what_leaves_the_window_is_cut_at_its_edge(held, chains, kind):
    glass, x = held[kind, "glass"], chains[kind]["x"][:, 0]
    view, rect = glass.view, glass.view.rect
    shifts = [np.multiply(view.size, way) * 0.49 for way in ((1, 0), (-1, 0), (0, 1), (0, -1))]

    def beyond():
        far = 0.0
        for step in range(glass.first, glass.first + 4):
            for shift in shifts:
                view.look_at(x[step] + shift)
                for done in [WHOLE] if kind == "hmc" else [view.stages(at_stage(name)) for name in CHANGES]:
                    view.show(step, done)
                    lines = [view.way, *view.arrows.values(), *([view.kicks] if kind == "hmc" else [])]
                    points = np.concatenate([mob.get_all_points()[:, :2] for mob in lines])
                    (x0, x1, y0, y1), low, high = rect, points.min(0), points.max(0)
                    far = max(far, x0 - low[0], high[0] - x1, y0 - low[1], high[1] - y1)
        return far

    assert beyond() < 0.15  # half a head of an arrow
    view.rect = (-99.0, 99.0, -99.0, 99.0)
    try:
        assert beyond() > 0.3
    finally:
        view.rect = rect
        view.look_at(glass.centres[0])


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
        pytest.param(
            kind,
            size,
            ("dark", "light")[(k + turn) % 2] + ("", "_de", "_ja")[(k + 2 * turn) % 3],
            marks=[pytest.mark.slow] * ((k + turn) % 3 == 2),  # eight of the twelve
        )
        for turn, kind in enumerate(SMALL)
        for k, size in enumerate(((480, 270), (270, 480), (360, 270), (270, 270)))
    ],
)
def test_no_text_overlaps_or_leaves_the_frame(cinema, chains, kind, size, look):
    show = cinema("langevin", chain=chains[kind])
    assert show.layout(size, look, 12, speed=4, **PLAIN) == []
