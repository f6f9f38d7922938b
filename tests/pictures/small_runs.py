"""Small runs of every scene of points, for tests that look at all of them: what moves, and what can be seen."""

from __future__ import annotations

FIELD = {"fields": ["velocity"], "grid": [9, 7], "keep": []}
KEPT = ("x0", "drift", "noise")
RACERS = {
    f"racer{k}": {"sampler": {"kind": kind, "evaluations": 12, "chains": 300}, "record": {"budgets": [4, 8, 16, 32]}}
    for k, kind in enumerate(("ddim", "heun"), 1)
}
STEP = {
    "run": {
        "sampler": {"kind": "ddpm", "steps": 10, "chains": 300, "timestep_spacing": "log_snr"},
        "record": {"keep": list(KEPT), "posterior": True, "moves": ["ddim", "heun"]},
    },
    "noisy": {"sampler": {"kind": "ddpm", "steps": 40, "chains": 300}},
    "still": {
        "sampler": {"kind": "ddpm", "variance": "none", "steps": 40, "chains": 300},
        "record": {"collapse": True},
    },
}
FAN = {"kind": "ddim", "steps": 40, "chains": 40, "timestep_spacing": "log_snr"}
PAIR = {"sampler": {"kind": "ddim", "steps": 40, "chains": 300}}
STRAIGHT = {"schedule": {"kind": "flow"}, "sampler": {"kind": "flow_euler", "steps": 40, "chains": 200}}
FLOWS = {
    name: STRAIGHT | {"record": {"budgets": [2, 4, 8, 16], "posterior": name == "plain"}}
    for name in ("plain", "transport", "once", "twice")
}
FLOW = {"steps": 40, "timestep_spacing": "linspace"}
LIKELIHOOD = {
    "path": {"target": "star", "sampler": FLOW | {"kind": "rk45", "chains": 30}, "record": {"log_p": True}},
    "flow": {"target": "star", "sampler": FLOW | {"kind": "heun", "chains": 441, "start": "grid"}},
}
LINE = {
    "target": {"kind": "gaussian_mixture", "means": [[-1.2], [1.0]], "stds": 0.3},
    "record": {"density": True, "density_grid": [201, 1]},
}
RIBBON = {
    name: LINE | {"sampler": FLOW | {"kind": "dpmpp_2m_sde", "eta": eta, "start": "flow", "chains": 200}}
    for name, eta in (("flow", 0.0), ("dial1", 0.5), ("sde", 1.0))
}
CLASSES = {"target": "moons", "model": {"kind": "exact", "conditional": True}}
CLASSES |= {"sampler": {"kind": "ddim", "steps": 40, "chains": 300}}
TILT = dict.fromkeys(("scale1", "scale2"), CLASSES | {"record": {"tilted": True}})
TILT |= {"fields": CLASSES | {"record": {"fields": ["score", "class_score"], "grid": [9, 9]}}}
MANY = {"target": "smiley", "record": {"target_points": 0}}
LANGEVIN = {
    "chain": MANY
    | {
        "sampler": {"kind": "ula", "chains": 1, "steps": 600},
        "record": {"keep": ["drift", "noise"], "density": True, "target_points": 0},
    },
    "many": MANY | {"sampler": {"kind": "ula", "chains": 80, "steps": 60}},
    "still": MANY | {"sampler": {"kind": "gradient", "chains": 80, "steps": 60}},
}
CASES = {  # a scene, what its recordings are, by name, and options
    "denoise": ({"run": {"sampler": {"kind": "ddpm", "steps": 40, "chains": 400}, "record": {"keep": list(KEPT)}}}, {}),
    "drift": ({"flow": {"sampler": {"kind": "ddim", "steps": 40, "chains": 200}, "record": FIELD}}, {}),
    "mesh": (
        {
            "flow": {"sampler": {"kind": "ddim", "steps": 40, "chains": 441, "start": "grid"}},
            "draws": {"sampler": {"kind": "ddim", "steps": 40, "chains": 400}},
        },
        {},
    ),
    "race": (RACERS, {"samplers": "ddim,heun"}),
    "compare": ({"run": PAIR, "exact": PAIR | {"sampler": PAIR["sampler"] | {"kind": "ddpm"}}}, {}),
    "flow": (FLOWS, {}),
    "decide": ({"run": {"target": "star", "sampler": FAN | {"kind": "ddpm"}, "record": {"classes": True}}}, {}),
    "likelihood": (LIKELIHOOD, {}),
    "tilt": (TILT, {"scales": "1,4"}),
    "ribbon": (RIBBON, {"acts": "backward,dial"}),
    "fan": ({"run": {"sampler": FAN, "record": {"posterior": True, "keep": ["x0"]}}}, {}),
    "step": (STEP, {}),
    "forward": ({"run": {"sampler": {"kind": "forward", "steps": 40, "chains": 300}}}, {}),
    "langevin": (LANGEVIN, {"duration": 24}),
}

IMAGES = {
    "target": "digits",
    "model": {"kind": "exact", "conditional": True},
    "sampler": {"kind": "ddim", "steps": 40, "chains": 10},
    "record": {"keep": ["x0"], "target_points": 200, "nearest": True},
}
ADDED = IMAGES | {"sampler": {"kind": "forward", "steps": 40, "chains": 10}, "record": {"keep": []}}
LEVELS = {"kind": "geometric", "sigma_min": 0.08, "sigma_max": 6.5, "num_train_timesteps": 40}
ANNEALED = {"kind": "annealed", "steps": 40, "inner_steps": 2, "step_size": 0.25, "chains": 16}
WALK = {
    name: {
        "target": "digits",
        "model": {"kind": "gaussian", "conditional": True},
        "schedule": {"kind": "karras", "sigma_min": 0.02},
        "sampler": {"kind": "ddim", "steps": 20, "chains": 210, "start": start},
        "record": {"keep": [], "target_points": 0, "nearest": False},
    }
    for name, start in (("circle", "slerp"), ("line", "lerp"))
}
DENOISERS = ("own", "gaussian", "exact", "near", "local", "far", "farthest")
OF_IMAGES = {
    "images": ({"run": IMAGES}, {}),
    "chain": ({"forward": ADDED, "reverse": IMAGES}, {}),
    "surf": ({"run": IMAGES | {"schedule": LEVELS, "sampler": ANNEALED}}, {}),
    "memory": (dict.fromkeys(DENOISERS, IMAGES), {}),
    "guidance": (dict.fromkeys(("free", "plain", "two", "eight"), IMAGES), {}),
    "spectrum": ({"run": ADDED}, {}),
    "interpolate": (WALK, {}),
}

TRAINED = "trained"  # in place of a recording's sections: that of a short training
OTHERS = {"card": ({}, {"seconds": 5}), "training": ({"training": TRAINED}, {"duration": 3})}
EVERY = CASES | OF_IMAGES | OTHERS


MADE: dict[str, object] = {}  # of this session, by what they were made from


def recordings(sections, recorded, trained):
    """The recordings that a scene needs, by name: each is made as its sections say, once in a session."""

    def made(each):
        if (key := repr(each)) not in MADE:
            MADE[key] = recorded(**({"target": "spiral"} | each))
        return MADE[key]

    return {name: trained if each == TRAINED else made(each) for name, each in sections.items()}
