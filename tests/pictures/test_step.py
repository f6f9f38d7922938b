"""The step scene read back: arrows and numbers are the recording's, and so are both clouds at the end."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.parts.posterior import Fan, cut
from diffrender.animation.parts.step_terms import StepTerms, telling_step, vector
from diffrender.animation.parts.without_noise import Gathered
from diffrender.animation.text.typst import Typeset

CHAINS = 80
OTHERS = 21.7  # seconds after the first picture's end: the other samplers' arrows stand


@pytest.fixture(scope="module")
def runs(recorded):
    def run(sampler, **record):
        kind = {"kind": "ddpm", "chains": CHAINS}
        return recorded("spiral", sampler=kind | sampler, record=record)

    keep = ["x0", "drift", "noise"]
    return {
        "run": run({"steps": 10, "timestep_spacing": "log_snr"}, keep=keep, posterior=True, moves=["ddim", "heun"]),
        "noisy": run({"steps": 20}),
        "still": run({"steps": 20, "variance": "none"}, collapse=True),
    }


@pytest.fixture(scope="module")
def opening(cinema, runs):
    film = cinema("step", **runs)
    film.play([(0, 1)])
    return film.scene


def parts(scene, kind):
    seen = {id(m): m for top in scene.mobjects for m in top.get_family() if isinstance(m, kind)}
    return list(seen.values())


def test_each_arrow_is_the_recorded_term_in_the_colour_of_its_term(opening, runs, read):
    run, view = runs["run"], opening.views[0]
    k, chain = telling_step(run), run.meta["followed"]
    x, drift, noise, x0 = (np.asarray(run[key][k, chain], float) for key in ("x", "drift", "noise", "x0"))
    expected = {
        (read.LOOK.data, True): (x, x0),
        (read.LOOK.data, False): (x, x + drift),
        (read.LOOK.noise, False): (x + drift, x + drift + noise),
        (read.LOOK.fg, False): (x, run["x"][k + 1, chain]),
    }
    arrows = [a for a in parts(opening, StepArrow) if a.z_index]
    shown = {(a.face.get_fill_color().to_hex().upper(), a.dashed): (a.start[:2], a.end[:2]) for a in arrows}
    assert set(shown) == set(expected)
    for key, (start, end) in expected.items():
        assert shown[key][0] == pytest.approx(view.to_scene(start), abs=1e-4)
        assert shown[key][1] == pytest.approx(view.to_scene(end), abs=1e-4)
        assert shown[key][1] != pytest.approx(view.to_scene(end + 0.05 * (end - start)), abs=1e-4), "the control"


def test_the_numbers_beside_the_equation_are_the_recorded_vectors(opening, runs):
    run, k = runs["run"], telling_step(runs["run"])
    bodies = [mob.body for mob in parts(opening, Typeset)]
    chain = run.meta["followed"]
    for value in (run["x"][k, chain], run["x0"][k, chain], run["noise"][k, chain], run["x"][k + 1, chain]):
        assert any(vector(np.asarray(value, float)) in body for body in bodies)
        assert not any(vector(np.asarray(value, float) + 0.02) in body for body in bodies), "the control"


def test_the_fan_has_the_recorded_points_and_the_likelier_are_the_clearer(runs, cinema):
    film = cinema("step", **runs)
    (shot,) = film.play([(0, 1)])
    run, k = runs["run"], telling_step(runs["run"])
    cloud = next(c for c in shot.rasters["PointCloud"] if np.ndim(c.alpha))
    assert np.array_equal(cloud.xy, run["posterior"][k])
    weight = np.asarray(run["posterior_weight"][k], float)
    assert np.allclose((cloud.alpha / cloud.alpha.max()) ** 2, weight / weight.max(), atol=1e-6)
    other = np.asarray(run["posterior_weight"][k - 1], float)
    assert not np.allclose((cloud.alpha / cloud.alpha.max()) ** 2, other / other.max(), atol=1e-2), "the control"
    (fan,) = {id(v): v for v in film.scene.views[0].attached if isinstance(v, Fan)}.values()
    spread = np.linalg.norm(fan.draws().mean(0) - run["posterior_mean"][k])
    assert spread < 0.2 * fan.spread[k], "rays go to draws of the posterior"


def test_rays_end_at_the_edge_of_the_stage():
    part = cut(np.zeros(2), np.array([[2.0, 0.0], [0.5, 0.5], [0.0, -4.0]]), (-1.0, 1.0, -1.0, 1.0))
    assert part == pytest.approx([0.5, 1.0, 0.25])


def test_other_samplers_move_as_recorded_from_the_same_point(cinema, runs, read):
    film = cinema("step", **runs)
    film.at(OTHERS, duration=2)
    run, view = runs["run"], film.scene.views[0]
    k, chain = telling_step(run), run.meta["followed"]
    arrows = {a.face.get_fill_color().to_hex().upper(): a for a in parts(film.scene, StepArrow) if a.z_index == 8}
    for color, name, other in ((read.LOOK.accept, "ddim", "heun"), (read.LOOK.reject, "heun", "ddim")):
        ends = [view.to_scene(run["x"][k, chain] + run[f"move_{n}"][k, chain]) for n in (name, other)]
        assert arrows[color].end[:2] == pytest.approx(ends[0], abs=1e-4)
        assert arrows[color].end[:2] != pytest.approx(ends[1], abs=1e-3), "the control: the other sampler"


def test_without_noise_all_end_where_theory_says_and_with_it_they_do_not(cinema, runs):
    film = cinema("step", **runs)
    film.play([(k, k + 1) for k in range(0, 10**4, 5)], (480, 270), fps=2, duration=1)
    still, noisy = runs["still"], runs["noisy"]
    said = [mob.body for mob in parts(film.scene, Typeset)]
    end = np.asarray(still.x[-1], float)
    away = np.linalg.norm(end - still["collapse"], axis=1)
    shown = next(body for body in said if "theory" in body)
    number = float("".join(c for c in shown.split("within")[1] if c.isdigit() or c == "."))
    assert away.max() <= number + 1e-3
    assert number < 0.1
    assert np.linalg.norm(noisy.x[-1] - still["collapse"], axis=1).max() > 5 * number, "the control"
    (point,) = {id(p): p for p in film.scene.views[2].attached if isinstance(p, Gathered)}.values()
    for step, seen in ((0, 0.0), (still.steps, 1.0)):  # one dot for all, once all lie within it
        point.show_step(step)
        assert point.dot.get_fill_opacity() == seen
        mean = np.asarray(still.states[step], float).mean(0)
        assert point.dot.get_center()[:2] == pytest.approx(film.scene.views[2].to_scene(mean), abs=1e-4)


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("step", **runs).layout(shape, look, every=9, duration=1.0) == []


def test_a_step_that_was_not_kept_is_said_to_be_missing(recorded, cinema, runs):
    from diffrender.core.errors import TrajectoryError

    bare = recorded("spiral", sampler={"kind": "ddpm", "steps": 4, "chains": 20}, record={"posterior": True})
    with pytest.raises(TrajectoryError, match="was not recorded"):
        StepTerms(None, bare, 0, theme=None)
