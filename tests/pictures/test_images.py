"""The images scene read back: every pixel of every image is the recording's, after the stated mapping."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from diffrender.animation.parts.code_panel import loop_of, wrapped
from diffrender.animation.parts.pictures import NOISE_REACH

DURATION, SIDE = 4.0, 3
LAST = 0.8 + 0.45 * DURATION + 1.0 + 0.8 + 0.55 * DURATION + 0.8  # seconds from the first motion to the hold


@pytest.fixture(scope="module")
def run(recorded):
    return recorded(
        "digits",
        model={"kind": "exact", "conditional": True},
        schedule={"kind": "karras", "sigma_min": 0.02},
        sampler={"kind": "ddim", "steps": 30, "chains": 12},
        record={"keep": ["x0"], "target_points": 0},
    )


@pytest.fixture(scope="module")
def shot(cinema, run):
    return cinema("images", run=run).at(LAST, duration=DURATION, code_steps=0)[0]


def cells(read, grid, size):
    """Pixel positions (rows·H, cols·W, 2) of the middle of every pixel of every image, from the rectangle alone."""
    (left, bottom), (right, top) = read.pixel_of(grid.points[0]), read.pixel_of(grid.points[3])
    across, down = round(right - left), round(bottom - top)
    gap = grid.gap * read.UNIT
    side = round((across - gap * (grid.cols - 1)) / grid.cols)
    starts = [left + k * (across - side) / max(grid.cols - 1, 1) for k in range(grid.cols)]
    tops = [top + k * (down - side) / max(grid.rows - 1, 1) for k in range(grid.rows)]
    middle = (np.arange(size) + 0.5) * side / size
    xs = np.concatenate([s + middle for s in starts])
    ys = np.concatenate([s + middle for s in tops])
    return np.floor(np.stack(np.meshgrid(xs, ys), -1)).astype(int)


def seen(read, shot, grid):
    places = cells(read, grid, 8)
    return shot.frame[places[..., 1], places[..., 0]].astype(int)


def mosaic(images):
    """(N, 1, H, W) images row by row."""
    return np.concatenate([np.concatenate(list(images[SIDE * r : SIDE * r + SIDE, 0]), 1) for r in range(SIDE)])


def grids(shot):
    return [grid for grid in shot.rasters["ImageGrid"] if grid.rows == SIDE]


def colors(read, name, values, reach=1.0):
    table = read.LOOK.table(name).astype(int)
    return table[np.rint(np.clip((values / reach + 1) / 2, 0, 1) * 255).astype(int)]


def test_every_pixel_is_the_recorded_value(read, run, shot):
    said = run.meta["target"]
    state, noise, clean = grids(shot)
    last = run["x"][-1].astype(np.float32) * said["scale"] + said["offset"][0]
    predicted = run["x0"][-1].astype(np.float32) * said["scale"] + said["offset"][0]
    for grid, expected in (
        (state, colors(read, "image", mosaic(last))),
        (clean, colors(read, "image", mosaic(predicted))),
        (noise, colors(read, "signed", mosaic(np.zeros_like(last)), NOISE_REACH)),
    ):
        assert np.abs(seen(read, shot, grid) - expected).max() <= 1


def test_a_decoded_lossless_picture_holds_the_recorded_values(read, run, shot, tmp_path):
    """Written to a file as any user would, and read again: the state's tiles are the recording after the mapping."""
    from PIL import Image

    from diffrender.video.render import render
    from diffrender.video.spec import RenderSpec

    scene, (width, height) = Path(__file__).parents[2] / "scenes" / "images.py", read.SIZE
    made = render(
        RenderSpec.of(
            scene=scene, scene_class="Images", trajectories={"run": run.file}, out=tmp_path / "end.png", still=1.0,
            width=width, height=height, fps=10, options={"duration": DURATION, "code_steps": 0},
            metadata={"comment": "{}"},
        )
    )  # fmt: skip
    with Image.open(made.path) as opened:
        picture = SimpleNamespace(frame=np.asarray(opened.convert("RGB")))
    said = run.meta["target"]
    last = run["x"][-1].astype(np.float32) * said["scale"] + said["offset"][0]
    found = seen(read, picture, grids(shot)[0])
    assert np.abs(found - colors(read, "image", mosaic(last))).max() <= 1
    assert np.abs(found - colors(read, "image", mosaic(last[::-1]))).max() > 20, "the control: other images"


def test_another_step_or_another_image_is_found_out(read, run, shot):
    said = run.meta["target"]
    found = seen(read, shot, grids(shot)[0])
    earlier = run["x"][-8].astype(np.float32) / run.scale[-8] * said["scale"] + said["offset"][0]
    assert np.abs(found - colors(read, "image", mosaic(earlier))).max() > 20
    swapped = run["x"][-1][::-1].astype(np.float32) * said["scale"] + said["offset"][0]
    assert np.abs(found - colors(read, "image", mosaic(swapped))).max() > 20


def test_it_fits_every_frame(cinema, run, shape, look):
    assert cinema("images", run=run).layout(shape, look, every=9, duration=3.0) == []


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before(cinema, run):
    assert cinema("images", run=run).unlike_when_sought(9, duration=1.0) == []


# ---- in the sampler's own code ---------------------------------------------------------------------------------------
CODE = 0.8 + 0.45 * DURATION + 1.0 + 0.3 + 0.5  # seconds from the first motion to the first step in code
STEP = 2.5


def test_the_loop_is_the_recorded_source_and_is_never_run(run, tmp_path):
    lines = loop_of(run.meta["sampler"]["source"])
    assert lines[0].startswith("for ")
    assert all(line.strip() in run.meta["sampler"]["source"] for line in lines)
    assert sum("denoise(" in line for line in lines) == 1
    mark = tmp_path / "it-ran"
    hostile = (
        f"import os\nos.mkdir({str(mark)!r})\ndef f(x):\n    for i in range(3):\n        x = denoise(x)\n    yield x\n"
    )
    assert loop_of(hostile) == ["for i in range(3):", "    x = denoise(x)"]
    assert not mark.exists()
    assert loop_of("no python (") == loop_of("x = 1") == loop_of("") == []


def test_predictions_change_where_the_model_is_asked_and_the_state_at_the_end(cinema, run):
    scene = cinema("images", run=run)
    start, middle, end = scene.at(*(CODE + part * STEP for part in (0.05, 0.6, 0.95)), duration=DURATION)
    steps = [
        [int(grid.step) for grid in shot.rasters["ImageGrid"] if grid.rows == 1 and grid.recorded is not None][-3:]
        for shot in (start, middle, end)
    ]
    state, noise, clean = steps[0]
    assert noise == clean == state - 1
    assert steps[1] == [state, state, state]
    assert steps[2] == [state + 1, state, state]


@pytest.mark.parametrize("size", [(480, 480), (640, 480), (854, 480)])
def test_narrow_frames_too_have_the_noise_level_as_a_plot_and_steps_in_code(cinema, run, size):
    scene = cinema("images", run=run)
    before, shot = scene.at(0.5, CODE + 0.6 * STEP, duration=DURATION, size=size)
    assert len(before.rasters["Curve"]) == 2
    (plain,) = scene.at(CODE + 0.6 * STEP, duration=DURATION, size=size, code_steps=0)
    assert len(shot.rasters["ImageGrid"]) == 3, "the code stands in the place of the tiles"
    assert len(plain.rasters["ImageGrid"]) > 3, "the control: no code, and so tiles"


def test_long_lines_of_code_are_wrapped_at_spaces_and_say_the_same():
    line = "    step = move(i, now, to, p, mean, i + 1, std * noise(i) if std else None)"
    rows = wrapped(line, 50)
    assert all(len(row) <= 50 for row in rows)
    assert " ".join(row.strip() for row in rows) == line.strip()
    assert [len(row) - len(row.lstrip()) for row in rows] == [4, 12]
    assert wrapped(line, len(line)) == [line], "the control: nothing is parted that fits"
    assert wrapped("x" * 60, 50) == ["x" * 60]
