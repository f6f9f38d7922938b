"""The stage: frames of every shape, what is refused, acts that change, layouts that can be read."""

from types import SimpleNamespace

import numpy as np
import pytest
from manim import Dot, Square, tempconfig
from pydantic import Field

from diffrender.animation import recordings
from diffrender.animation.animations import TICKS, FadeInFast, FadeOutFast, UpdateFromAlpha, ticked
from diffrender.animation.layout.arrangements import arrange
from diffrender.animation.layout.checks import faults, texts
from diffrender.animation.layout.page import Page, fitted
from diffrender.animation.layout.views import around
from diffrender.animation.mobjects.furniture.panels import frame, key_arrow, key_dot, panel
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.scene import SceneOptions, TrajectoryScene
from diffrender.animation.text.typst import words
from diffrender.animation.theme import THEMES, Frame, theme
from diffrender.config.declarations import Recording
from diffrender.core.errors import ConfigError, RenderError, UsageError

SHAPES = {"wide": (320, 180), "square": (180, 180), "tall": (180, 320), "four to three": (240, 180)}


@pytest.fixture
def quick(tmp_path):
    """Manim's settings for scenes of a few frames that write nothing."""

    def settings(size=(320, 180), fps=10):
        return tempconfig(
            {
                "pixel_width": size[0],
                "pixel_height": size[1],
                "frame_rate": fps,
                "dry_run": True,
                "progress_bar": "none",
                "verbosity": "ERROR",
                "media_dir": str(tmp_path),
            }
        )

    return settings


RUN = SimpleNamespace(path="flow.npz", kind="reverse", steps=3, event=(2,))


class Picky(TrajectoryScene):
    """A scene with an option and a need."""

    needs = {"flow": Recording(overrides={"sampler.kind": "ddim"})}

    class Options(SceneOptions):
        """One option."""

        speed: float = Field(1.0, gt=0)


# ---- what a scene is given -------------------------------------------------------------------------------------------
def test_options_are_checked_and_default(quick):
    with quick():
        assert Picky(trajectories={"flow": RUN}).options.speed == 1.0
        assert Picky(trajectories={"flow": RUN}, options={"speed": 2}).options.speed == 2.0
        with pytest.raises(ConfigError, match="options of Picky: unknown key 'spede'") as caught:
            Picky(trajectories={"flow": RUN}, options={"spede": 2})
        assert "'speed'" in str(caught.value)
        with pytest.raises(ConfigError, match="speed"):
            Picky(trajectories={"flow": RUN}, options={"speed": 0})


def test_a_recording_that_is_missing_is_named(quick):
    with quick(), pytest.raises(RenderError, match="Picky needs a recording called 'flow'"):
        Picky(trajectories={})


def test_a_run_of_another_kind_or_a_single_state_is_refused(quick):
    class Reverse(Picky):
        """Shows reverse runs alone."""

        needs = {"flow": Recording("reverse")}

    with quick():
        Reverse(trajectories={"flow": SimpleNamespace(file="a.npz", kind="reverse", steps=3, event=(2,))})
        for kind, steps, said in (("langevin", 3, "holds a langevin run"), ("reverse", 0, "holds a single state")):
            with pytest.raises(RenderError, match=f"a.npz: {said}, and Reverse shows reverse runs"):
                Reverse(trajectories={"flow": SimpleNamespace(file="a.npz", kind=kind, steps=steps, event=(2,))})


def test_states_that_a_scene_does_not_show_are_refused(quick):
    class Flat(Picky):
        """Shows the plane alone, and says a word."""

        shows = ("plane",)
        words = {"title": "Flat"}

    solid = SimpleNamespace(file="a.npz", kind="reverse", steps=3, event=(3,))
    with quick():
        assert Flat(trajectories={"flow": RUN}, options={"title": "Even"}).words == {"title": "Even"}
        with pytest.raises(RenderError, match=r"a.npz: its states have shape \(3,\), and Flat shows plane"):
            Flat(trajectories={"flow": solid})


@pytest.mark.parametrize("event", [(1,), (4,), (1, 8, 8)])
def test_only_points_of_the_plane_and_of_space_have_a_place(event):
    with pytest.raises(RenderError, match="no points in 2-D or 3-D"):
        around(np.zeros((5, *event)), (-1, 1, -1, 1), (0, 0), (1, 1), theme("dark"))


def test_without_recordings_they_are_looked_for(quick, monkeypatch):
    found = RUN
    asked = []

    def answer(command, **_):
        asked.append(command[-3:])
        return SimpleNamespace(returncode=0, stdout='{"flow": "made.npz"}')

    monkeypatch.setattr(recordings.subprocess, "run", answer)
    monkeypatch.setattr(recordings.Trajectory, "open", lambda path: found)
    with quick():
        assert Picky().trajectories == {"flow": found}
    assert asked == [["diffrender.jobs.make", __file__, "Picky"]]


def test_recordings_that_cannot_be_made_are_an_error_of_one_line(quick, monkeypatch):
    failed = SimpleNamespace(returncode=2, stdout='{"problem": "Unknown config.", "remedy": "Name another."}')
    monkeypatch.setattr(recordings.subprocess, "run", lambda command, **_: failed)
    with quick(), pytest.raises(RenderError, match="Unknown config"):
        Picky()


def test_the_opengl_renderer_and_unknown_themes_are_refused(quick):
    with quick(), pytest.raises(UsageError, match="Unknown theme"):
        TrajectoryScene(trajectories={}, theme="dusk")
    with quick(), tempconfig({"renderer": "opengl"}), pytest.raises(RenderError, match="cairo renderer"):
        TrajectoryScene("the renderer, as Manim passes it")


@pytest.mark.parametrize("name", THEMES)
def test_the_background_is_the_themes(quick, name):
    with quick():
        scene = TrajectoryScene(trajectories={}, theme=name)
        scene.render()
        corner = scene.camera.pixel_array[0, 0, :3]
    assert "#{:02X}{:02X}{:02X}".format(*corner) == theme(name).bg


def test_a_transparent_frame_is_nothing_at_all(quick):
    with quick(), tempconfig({"transparent": True, "background_opacity": 0.0}):
        scene = TrajectoryScene(trajectories={})
        scene.render()
    assert not scene.camera.pixel_array.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_square_stays_square_in_every_shape(quick, shape):
    class Plain(TrajectoryScene):
        def construct(self):
            self.add(Square(4, fill_opacity=1, stroke_width=0, color="#FFFFFF"))

    with quick(SHAPES[shape]):
        scene = Plain(trajectories={})
        scene.render()
        y, x = np.nonzero(scene.camera.pixel_array[..., 0] > 200)
    assert np.ptp(x) + 1 == np.ptp(y) + 1 == min(SHAPES[shape]) / 2


# ---- motion ----------------------------------------------------------------------------------------------------------
def test_fades_copy_nothing_and_give_back_the_opacities(quick):
    class Fading(TrajectoryScene):
        def construct(self):
            ground = panel((-3, 3, -2, 2), self.theme)
            cloud = PointCloud((-1, 1, -1, 1), (-3, 3, -2, 2), np.zeros((5, 2)), color="#FFFFFF", radius=0.1).set_fill(
                opacity=0.8
            )
            self.play(FadeInFast(ground, cloud))
            self.shown = [ground in self.mobjects, cloud.get_fill_opacity()]
            self.play(FadeOutFast(cloud))
            self.left = [cloud in self.mobjects, cloud.get_fill_opacity()]

    with quick():
        scene = Fading(trajectories={})
        copies = []
        original = PointCloud.copy
        PointCloud.copy = lambda self: copies.append(self) or original(self)
        try:
            scene.render()
        finally:
            PointCloud.copy = original
    assert scene.shown == [True, pytest.approx(0.8)]
    assert scene.left == [False, pytest.approx(0.8)]
    assert copies == []


def test_a_drive_is_called_for_every_frame_from_beginning_to_end(quick):
    seen = []

    class Driven(TrajectoryScene):
        def construct(self):
            self.play(UpdateFromAlpha(seen.append, Dot(), run_time=1.0))

    with quick(fps=10):
        Driven(trajectories={}).render()
    assert seen[0] == 0
    assert seen[-1] == 1
    assert sorted(set(seen)) == pytest.approx([k / 10 for k in range(11)], abs=1e-9)


def test_numbers_change_at_most_twelve_times_a_second():
    moments = {ticked(u, 10.0) for u in np.linspace(0, 1, 6001)}
    assert len(moments) == 10 * TICKS + 1
    assert ticked(1, 10.0) == 1


def test_what_lies_higher_is_drawn_later_whenever_it_was_added(quick):
    with quick():
        scene = TrajectoryScene(trajectories={})
        low, high, middle = (Dot().set_z_index(z) for z in (0, 5, 2))
        scene.add(high)
        scene.add(low, middle)
    assert scene.mobjects == [low, middle, high]


def test_places_change_by_name_and_texts_that_stay_do_not_blink(quick):
    class Acts(TrajectoryScene):
        def construct(self):
            same, again = (words("seed 7", 0.27, self.theme.muted).at(0, -3.6) for _ in range(2))
            old, new, kept = words("chain", 0.27, "#FFFFFF"), words("histogram", 0.27, "#FFFFFF"), Dot()
            self.set_places(footer=[same, old], left=[kept])
            blinks = []
            again_opacity = UpdateFromAlpha(lambda u: blinks.append(u), kept, run_time=0.1)
            self.set_places(footer=[again, new])
            self.play(again_opacity)
            self.standing = [mob in self.mobjects for mob in (kept, same, old, again, new)]

    with quick():
        scene = Acts(trajectories={})
        vanished = []
        original = FadeOutFast.begin
        FadeOutFast.begin = lambda self: vanished.extend(self.faded) or original(self)
        try:
            scene.render()
        finally:
            FadeOutFast.begin = original
    assert scene.standing == [True, False, False, True, True]
    assert [mob.body for mob in vanished] == ["#strut;chain"]


# ---- layout ----------------------------------------------------------------------------------------------------------
def furnished(page):
    """All that a crowded page may hold."""
    boxes = arrange("two panels", page.frame)
    left, right = boxes.left, boxes.right
    counter = page.running("step {:,} of 120,000", 120000, size="caption", color="muted")
    items = [(key_arrow(page.theme.score, dashed=True), 0.62, "log gradient"), (key_dot(page.theme.fg), 0.22, "chain")]
    return [
        page.title("Langevin Monte Carlo"),
        page.equation("x_(t+1) = x_t + {{tau nabla log p(x_t) : score}} + sqrt(2 tau) thin epsilon", score="score"),
        *(panel(rect, page.theme) for rect in (left, right)),
        page.panel_label(page.words("True density $p(x)$" if page.shape != "square" else "Density"), left),
        page.panel_label(page.words("One step"), right, below=True),
        page.legend(items, right),
        page.caption("unadjusted Langevin", "$tau = 0.02$", counter, "seed 7", "exact score"),
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", THEMES)
def test_a_crowded_page_can_be_read_in_every_shape(shape, name):
    size = SHAPES[shape]
    page = Page(Frame.of(*size), theme(name))
    mobjects = furnished(page)
    assert faults(mobjects, page.frame) == []
    assert len(texts(mobjects)) > 10


def test_what_overlaps_leaves_or_is_too_small_is_found():
    page = Page(Frame.of(1920, 1080), theme("dark"))
    a, b = page.label("True density", 0, 0), page.label("One step", 0.5, 0.1)
    assert any("overlaps" in fault for fault in faults([a, b], page.frame))
    assert any("edge" in fault for fault in faults([page.label("far out", 6.8, 0)], page.frame))
    assert any("edge" in fault for fault in faults([frame((-7, 7, -1, 1), "#FFFFFF")], page.frame))
    assert any("floor" in fault for fault in faults([words("tiny", 0.15, "#FFFFFF")], page.frame))
    assert faults([a, b.set_opacity(0)], page.frame) == []


def test_a_running_number_in_its_own_line_is_no_overlap():
    page = Page(Frame.of(1920, 1080), theme("dark"))
    assert faults([page.running("step {:,} of 9,999", 9999).set_values(5)], page.frame) == []


def test_a_caption_keeps_its_order_where_it_can_and_always_its_items():
    for size in SHAPES.values():
        page = Page(Frame.of(*size), theme("dark"))
        made = page.caption("unadjusted Langevin", "$tau = 0.02$", "step 1,605 of 120,000", "seed 7", "exact score")
        items = [mob.body.removeprefix("#strut;") for mob in made if "dot.c" not in mob.body]
        assert sorted(items) == sorted(
            ["unadjusted Langevin", "$tau = 0.02$", "step 1,605 of 120,000", "seed 7", "exact score"]
        )
        if page.shape == "wide":
            assert items[0] == "unadjusted Langevin"
            assert len({round(mob.baseline, 6) for mob in made}) == 1


def test_what_a_panel_shows_has_its_shape_and_lies_within_the_recorded_extent():
    x0, x1, y0, y1 = fitted((-4, 4, -3, 3), (0, 5.75, 0, 4.77))
    assert (x1 - x0) / (y1 - y0) == pytest.approx(5.75 / 4.77)
    assert (y0, y1) == (-3, 3)
    assert x0 > -4
    assert fitted((-4, 4, -3, 3), (0, 7, 0, 3.85))[:2] == (-4, 4)
