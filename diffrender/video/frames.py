"""Draw frames [a, b) of a scene: the one primitive behind clips, stills, contact sheets, many workers and resuming.

A Manim scene can only be played from its start. `FrameRenderer` plays it, counts frames, runs every animation and
updater of the frames nobody asked for without drawing them, draws those that are wanted, and stops after the last.
What frame k shows therefore depends on k alone, not on the window it is drawn in.

An act, a section in Manim's words, may have to last: until what is said in it has been heard, and with a rest before
the next one begins. The picture stands meanwhile.
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from manim import Camera, RendererType, Scene, config
from manim.renderer.cairo_renderer import CairoRenderer
from manim.utils.exceptions import EndSceneEarlyException
from manim.utils.iterables import list_update

from diffrender.animation.mobjects.camera import Bulk
from diffrender.animation.theme import SHORT_SIDE
from diffrender.core.errors import RenderError, UsageError, suggest
from diffrender.video.acts import ROUNDING, Acts
from diffrender.video.frame_cache import FrameCache

NEVER = sys.maxsize
UNNAMED = "autocreated"  # Manim's name of the section in which a scene begins

Window = tuple[int, int]
Sink = Callable[[np.ndarray, int], None]


class FrameRenderer(CairoRenderer):
    """A Cairo renderer that draws only the frames inside `windows`.

    Parameters
    ----------
    windows: half-open ranges (first, last) of frame numbers, ascending. The next one is asked for when the one before
        has been drawn; the scene ends early once there is none. No windows at all: nothing is drawn, all is counted.
        An empty one draws nothing: the next is asked for when its frame is reached.
    sink: called as `sink(pixels, repeat)` for each drawn picture, in order; `repeat` frames in a row look like it.
        pixels: (height, width, 4) uint8 RGBA, premultiplied; the camera's own buffer, valid only during the call.
    finished_state: hand the scene's state after its last animation to `sink` too (what `-s` shows).
    acts: how long they have to last; is told what they were.
    jump: go through an animation to the first wanted frame at once, as Manim does with what it skips. Much sooner
        there, and to the same picture unless something in the scene depends on every frame before.
    """

    def __init__(
        self,
        windows: Iterable[Window],
        sink: Sink,
        *,
        finished_state: bool = False,
        acts: Acts | None = None,
        jump: bool = False,
    ) -> None:
        super().__init__(camera_class=lambda: None)  # the scene says which; a camera costs two frames of memory
        self.frame = 0
        self.sink, self.finished_state, self.jump = sink, finished_state, jump
        self.acts = acts or Acts()
        self._section: Any = None
        self._over = False  # whether all that is wanted has been drawn
        self._windows: Iterator[Window] = iter(windows)
        self.first, self.last = next(self._windows, (NEVER, NEVER))

    def init_scene(self, scene: Scene, session_spec: Any, file_writer_settings: Any) -> None:
        """Take the camera the scene asks for (moving, 3-D, …): Manim calls this while the scene is made."""
        self.camera: Any = _bulk(scene.camera_class)()
        self.cache = FrameCache(self.camera)
        super().init_scene(scene, session_spec, file_writer_settings)

    # ---- playing -----------------------------------------------------------------------------------------------------
    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """One `Scene.play` or `Scene.wait`; frame for frame what Manim's own renderer would draw."""
        section = self.file_writer.sections[-1]
        if section is not self._section:
            self._begin_act(scene, section.name)
            self._section = section
        self.skip_animations = section.skip_animations
        scene.compile_animation_data(*args, **kwargs)
        frozen = scene.is_current_animation_frozen_frame()
        count = 0 if self.skip_animations else _frame_count(scene.duration, self.camera.frame_rate, frozen)
        self.static_image = None
        if self.first < self.frame + count:
            scene.begin_animations()
            self.cache.begin(mob for each in scene.animations or () for mob in each.mobject.get_family())
            if scene.static_mobjects:
                # before the first frame, as Manim does: what stands still is drawn once, as it was then
                self.save_static_frame_data(scene, scene.static_mobjects)
        else:  # as `begin_animations`, but for what is asked by those who draw: which mobjects move takes long to tell
            for animation in scene.animations or ():
                animation._setup_scene(scene)
                animation.begin()
        if frozen:
            self._advance(scene, count)
        else:
            self._play_frames(scene, count)
        self.static_image = None
        self.num_plays += 1

    def _begin_act(self, scene: Scene, name: str) -> None:
        """Let the act before end, and note that one begins; one in which no frame was drawn is forgotten."""
        if not self.acts.forget_empty(self.frame):
            self._stand(scene, self.acts.end(self.frame, self.camera.frame_rate, more=True))
        self.acts.begin(self.frame, name if self._section or name != UNNAMED else "")

    def _stand(self, scene: Scene, count: int) -> None:
        """Let so many frames go by in which all stands as the last motion left it."""
        if count:
            self.static_image, scene.moving_mobjects = None, []
            self.cache.begin(())
            self._advance(scene, count)

    def _play_frames(self, scene: Scene, count: int) -> None:
        step, passed = 1 / self.camera.frame_rate, 0
        if self.jump and count and scene.stop_condition is None:
            passed = min(max(self.first - self.frame, 0), count - 1)  # the last one is always gone to
            self._advance(scene, passed)
        for t in [scene.duration] if self.skip_animations else [i * step for i in range(passed, count)]:
            scene.update_to_time(t)
            if not self.skip_animations:
                self._advance(scene, 1)
            if scene.stop_condition is not None and scene.stop_condition():
                break
        for animation in scene.animations or ():
            animation.finish()
            animation.clean_up_from_scene(scene)
        if not self.skip_animations:
            scene.update_mobjects(0)

    def _advance(self, scene: Scene, count: int) -> None:
        """Let `count` frames that look the same go by, drawing them (once) if they are wanted."""
        end, drawn = self.frame + count, False
        while self.frame < end:
            stop = min(end, self.last if self.frame >= self.first else self.first)
            if self.frame >= self.first and self.frame < stop:
                if not drawn:
                    self._draw(scene)
                drawn = True
                self.sink(self.camera.pixel_array, stop - self.frame)
            self.time += (stop - self.frame) / self.camera.frame_rate
            self.frame = stop
            if self.frame >= self.last:
                self._next_window()

    def _draw(self, scene: Scene) -> None:
        """The frame as it is now, into the camera's pixels: what `update_frame` would draw."""
        mobjects = scene.moving_mobjects or list_update(scene.mobjects, scene.foreground_mobjects)
        self.cache.draw(self.camera.background if self.static_image is None else self.static_image, mobjects)

    def _next_window(self) -> None:
        window = next(self._windows, None)
        if window is None:
            self._over = True
            raise EndSceneEarlyException
        self.first, self.last = window

    def scene_finished(self, scene: Scene) -> None:
        """A scene that plays nothing is one frame; and the finished state, if it is wanted."""
        self.static_image, scene.moving_mobjects = None, []
        with suppress(EndSceneEarlyException):
            if not self._over:
                self._stand(scene, self.acts.end(self.frame, self.camera.frame_rate, more=False))
            if self.frame == 0:
                self._advance(scene, 1)
        if self.finished_state:
            self.update_frame(scene, scene.moving_mobjects)
            self.sink(self.camera.pixel_array, 1)


def _bulk(camera_class: type[Camera]) -> type[Camera]:
    """The camera class, drawing bulk mobjects as well."""
    if issubclass(camera_class, Bulk):
        return camera_class
    return type(f"Bulk{camera_class.__name__}", (Bulk, camera_class), {})


def _frame_count(seconds: float, fps: float, frozen: bool) -> int:
    """Manim's count: what moves is drawn at 0, 1/fps, … < seconds, what stands still lasts the whole frames in it."""
    frames = seconds * fps
    return max(1, math.floor(frames + ROUNDING) if frozen else math.ceil(frames - ROUNDING))


# ---- scenes ----------------------------------------------------------------------------------------------------------
def load_scene(path: Path, name: str, text: bytes | None = None) -> type[Scene]:
    """The class `name` of the Python file `path`; its folder can be imported from, as when it is run as a script.

    text: what is run as that file, if what stands in it by now must not count.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such scene file.")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path[:] = [folder, *sys.path, os.getcwd()]
    module_spec = importlib.util.spec_from_file_location(f"diffrender_scene_{path.stem}", path)
    if module_spec is None or module_spec.loader is None:
        raise UsageError(f"{path}: not a Python file.")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module  # pydantic and pickle look a class's module up by name
    if text is None:
        module_spec.loader.exec_module(module)
    else:
        exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Scene)):
        here = [k for k, v in vars(module).items() if isinstance(v, type) and v.__module__ == module_spec.name]
        scenes = [k for k in here if issubclass(vars(module)[k], Scene)]
        raise UsageError(f"{path} has no scene '{name}'.", suggest(name, scenes))
    return found


def manim_config(width: int, height: int, fps: int, *, transparent: bool, media: Path, seed: int = 0) -> dict[str, Any]:
    """Manim's global settings for a picture of so many pixels, with the short side 8 units."""
    unit = SHORT_SIDE / min(width, height)
    return {
        "renderer": RendererType.CAIRO,
        "pixel_width": width,
        "pixel_height": height,
        "frame_width": width * unit,
        "frame_height": height * unit,
        "frame_rate": fps,
        "transparent": transparent,
        "background_opacity": 0.0 if transparent else 1.0,
        "seed": seed,
        "media_dir": str(media),
        "dry_run": True,  # Manim's writer writes nothing: frames go to our sink
        "disable_caching": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
        "from_animation_number": 0,
        "upto_animation_number": -1,
        "preview": False,
        "save_last_frame": False,
    }


@contextmanager
def configured(settings: dict[str, Any]) -> Iterator[None]:
    """Manim's configuration with these settings for a while; as `tempconfig`, but what is the same is not set again.

    (Setting the renderer, even to what it is, makes Manim rebuild its classes: 25 ms.)
    """
    before = config.copy()
    config.update({key: value for key, value in settings.items() if config[key] != value})
    try:
        yield
    finally:
        config.update({key: before[key] for key in before if config[key] != before[key]})


def draw(
    make_scene: Callable[[FrameRenderer], Scene],
    settings: dict[str, Any],
    windows: Iterable[Window],
    sink: Sink,
    *,
    finished_state: bool = False,
    jump: bool = False,
    captions: list[tuple[float, float, str]] | None = None,
    acts: Acts | None = None,
) -> int:
    """Play a scene and draw the frames in `windows`; returns how many frames went by (all of them if none is wanted).

    `make_scene(renderer)` builds a fresh scene on the renderer; `settings` are `manim_config`'s. Manim's configuration
    is global to the process, so two scenes cannot be drawn at once in one. `finished_state`, `jump`: of the renderer.
    The scene's subcaptions are appended to `captions` as (seconds from, seconds to, text); `acts` say how long they
    last, and are told what they were.
    """
    with configured(settings):
        renderer = FrameRenderer(windows, sink, finished_state=finished_state, acts=acts, jump=jump)
        scene = make_scene(renderer)
        if scene.renderer is not renderer:
            raise RenderError(f"{type(scene).__name__} does not pass its keyword arguments on to Scene.__init__.")
        scene.render()
        if captions is not None:
            said = renderer.file_writer.subcaptions
            captions += [(c.start.total_seconds(), c.end.total_seconds(), c.content) for c in said]
        return renderer.frame


def count(
    make_scene: Callable[[FrameRenderer], Scene],
    settings: dict[str, Any],
    captions: list[tuple[float, float, str]] | None = None,
    acts: Acts | None = None,
) -> int:
    """The number of frames of a scene, found by playing it without drawing anything; the rest as in `draw`."""
    return draw(make_scene, settings, (), lambda pixels, repeat: None, captions=captions, acts=acts)
