"""What a frame of a shipped scene shows depends on its number alone: played up to, or sought, it is the same.

Only so is a file the same for any number of workers, and a still what the clip shows.
"""

from __future__ import annotations

import pytest

DDIM = {"kind": "ddim", "steps": 30, "chains": 121}
FIELD = {"fields": ["velocity"], "grid": [7, 5], "keep": []}
STEP = {
    "run": {
        "sampler": {"kind": "ddpm", "steps": 10, "chains": 121, "timestep_spacing": "log_snr"},
        "record": {"keep": ["x0", "drift", "noise"], "posterior": True, "moves": ["ddim", "heun"]},
    },
    "noisy": {"sampler": DDIM | {"kind": "ddpm"}},
    "still": {"sampler": DDIM | {"kind": "ddpm", "variance": "none"}, "record": {"collapse": True}},
}
LIKELIHOOD = {
    "path": {"sampler": DDIM | {"kind": "rk45", "timestep_spacing": "linspace"}, "record": {"log_p": True}},
    "flow": {"sampler": DDIM | {"start": "grid"}},
}
CASES = {
    "denoise": ("spiral", {"run": {"sampler": DDIM}}, {"trails": 20, "interpolate": True}),
    "denoise in space": ("torus", {"run": {"sampler": DDIM}}, {"trails": 20}),
    "drift": ("spiral", {"flow": {"sampler": DDIM, "record": FIELD}}, {}),
    "drift along lines": ("spiral", {"flow": {"sampler": DDIM, "record": FIELD}}, {"style": "streamlines"}),
    "drift in space": ("torus", {"flow": {"sampler": DDIM, "record": FIELD | {"grid": [5, 5]}}}, {}),
    "forward": ("spiral", {"run": {"sampler": DDIM | {"kind": "forward"}}}, {}),
    "decide": (
        "star",
        {"run": {"sampler": DDIM | {"kind": "ddpm", "timestep_spacing": "log_snr"}, "record": {"classes": True}}},
        {},
    ),
    "likelihood": ("star", LIKELIHOOD, {}),
    "fan": ("spiral", {"run": {"sampler": DDIM, "record": {"posterior": True, "keep": ["x0"]}}}, {}),
    "step": ("spiral", STEP, {}),
    "mesh": ("spiral", {"flow": {"sampler": DDIM | {"start": "grid"}}}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_frame_is_the_same_played_and_sought(cinema, recorded, case):
    target, runs, options = CASES[case]
    film = cinema(case.split()[0], **{name: recorded(target, **sections) for name, sections in runs.items()})
    assert film.unlike_when_sought(7, duration=3, **options) == []
