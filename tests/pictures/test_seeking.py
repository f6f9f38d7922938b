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
LINE = {"kind": "gaussian_mixture", "means": [[-1.2], [1.0]], "stds": 0.3}
RIBBON = {
    name: {
        "sampler": DDIM | {"kind": "dpmpp_2m_sde", "eta": eta, "start": "flow", "timestep_spacing": "linspace"},
        "record": {"density": True, "density_grid": [201, 1]},
    }
    for name, eta in (("flow", 0.0), ("dial1", 0.5), ("sde", 1.0))
}
CLASSES = {"model": {"kind": "exact", "conditional": True}}
TILT = {
    f"scale{k}": CLASSES | {"sampler": DDIM | {"guidance_scale": w}, "record": {"tilted": True}}
    for k, w in ((1, 1.0), (2, 4.0))
}
TILT |= {"fields": CLASSES | {"sampler": DDIM, "record": {"fields": ["score", "class_score"], "grid": [7, 5]}}}
COOLED = {
    "sampler": {"kind": "annealed", "steps": 6, "inner_steps": 5, "chains": 60},
    "schedule": {"kind": "geometric", "sigma_min": 0.15, "sigma_max": 3, "num_train_timesteps": 6},
    "record": {"density": True, "density_grid": [40, 30], "keep": ["drift", "noise"], "target_points": 0},
}
CASES = {
    "tilt": ("moons", TILT, {"scales": "1,4", "sweep": 2}),
    "langevin annealed": (
        "smiley",
        {"chain": COOLED, "many": COOLED, "still": {"sampler": {"kind": "gradient", "steps": 40, "chains": 60}}},
        {"acts": "annealing", "annealing_seconds": 3},
    ),
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
    "ribbon": (LINE, RIBBON, {"acts": "backward,dial"}),
    "fan": ("spiral", {"run": {"sampler": DDIM, "record": {"posterior": True, "keep": ["x0"]}}}, {}),
    "step": ("spiral", STEP, {}),
    "mesh": ("spiral", {"flow": {"sampler": DDIM | {"start": "grid"}}}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_frame_is_the_same_played_and_sought(cinema, recorded, case):
    target, runs, options = CASES[case]
    film = cinema(case.split()[0], **{name: recorded(target, **sections) for name, sections in runs.items()})
    assert film.unlike_when_sought(7, duration=3, **options) == []
