"""What a frame of a shipped scene shows depends on its number alone: played up to, or sought, it is the same.

Only so is a file the same for any number of workers, and a still what the clip shows.
"""

from __future__ import annotations

import pytest

DDIM = {"kind": "ddim", "steps": 30, "chains": 121}
FIELD = {"fields": ["velocity"], "grid": [7, 5], "keep": []}
CASES = {
    "denoise": ("run", "spiral", {"sampler": DDIM}, {"trails": 20, "interpolate": True}),
    "denoise in space": ("run", "torus", {"sampler": DDIM}, {"trails": 20}),
    "drift": ("flow", "spiral", {"sampler": DDIM, "record": FIELD}, {}),
    "drift along lines": ("flow", "spiral", {"sampler": DDIM, "record": FIELD}, {"style": "streamlines"}),
    "drift in space": ("flow", "torus", {"sampler": DDIM, "record": FIELD | {"grid": [5, 5]}}, {}),
    "forward": ("run", "spiral", {"sampler": DDIM | {"kind": "forward"}}, {}),
    "mesh": ("flow", "spiral", {"sampler": DDIM | {"start": "grid"}}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_frame_is_the_same_played_and_sought(cinema, recorded, case):
    name, target, sections, options = CASES[case]
    film = cinema(case.split()[0], **{name: recorded(target, **sections)})
    assert film.unlike_when_sought(7, duration=3, **options) == []
