"""Schedulers of diffusers, read: the levels they are at, and the clean data that a network's output means there."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch

from diffrender.core.errors import TrajectoryError

FLOWS = ("FlowMatch", "FlowMap", "LTXEulerAncestralRF")  # names of schedulers between data and noise in straight lines


def check_scheduler(scheduler: Any) -> None:
    """TrajectoryError unless levels and clean data can be told from this scheduler's state."""
    name = type(scheduler).__name__
    step, config = getattr(scheduler, "step", None), getattr(scheduler, "config", {})
    parameters = list(inspect.signature(step).parameters) if callable(step) else []
    known = (
        is_flow(scheduler)
        or hasattr(scheduler, "get_scalings_for_boundary_condition")
        or hasattr(scheduler, "precondition_outputs")
        or ("prediction_type" in config and (hasattr(scheduler, "sigmas") or hasattr(scheduler, "alphas_cumprod")))
        or is_angular(scheduler)
        or hasattr(scheduler, "_alpha_cumprod")
        or is_trigonometric(scheduler)
    )
    if parameters[:3] != ["model_output", "timestep", "sample"] or not known or "Inverse" in name:
        raise TrajectoryError(
            f"attach: {name} is no scheduler of diffusers whose steps (model_output, timestep, sample) lead from noise "
            "to data and whose noise levels are known.",
            "Hand over a pipeline or its scheduler, or record the states of the loop with Recorder.state.",
        )


def is_flow(scheduler: Any) -> bool:
    """Whether states are (1 − sigma) x_0 + sigma ε, and the network predicts ε − x_0."""
    return type(scheduler).__name__.startswith(FLOWS) and hasattr(scheduler, "sigmas")


def is_trigonometric(scheduler: Any) -> bool:
    """Whether states are cos(t) x_0 + sin(t) s ε, s the deviation of the data (TrigFlow, Lu & Song 2024)."""
    return type(scheduler).__name__ == "SCMScheduler"


def is_angular(scheduler: Any) -> bool:
    """Whether it tabulates alpha and sigma themselves (IPNDM), as `alphas` and `betas`, with v-prediction."""
    return type(scheduler).__name__ == "IPNDMScheduler"


def is_trial(scheduler: Any) -> bool:
    """Whether the sample that the last `step` returned is a trial point, where the same step evaluates again."""
    if hasattr(scheduler, "state_in_first_order"):  # to the clean end they go with one evaluation
        return not scheduler.state_in_first_order and scheduler.step_index < len(scheduler.timesteps)
    if type(scheduler).__name__ == "PNDMScheduler":
        done = scheduler.counter
        runge_kutta = not scheduler.config.skip_prk_steps and done <= len(scheduler.prk_timesteps)
        return done % 4 != 0 if runge_kutta else done == 1
    return False


def scales_before(scheduler: Any, timestep: Any) -> tuple[float, float]:
    """alpha and sigma of the sample that was given to the `step` just made."""
    if is_tabulated(scheduler):
        return tabulated(scheduler, scheduler.step_index - 1)
    if hasattr(scheduler, "_alpha_cumprod"):
        return root(scheduler._alpha_cumprod(torch.as_tensor(timestep), "cpu"))
    return root(scheduler.alphas_cumprod[int(timestep)])


def scales_after(scheduler: Any, given: Mapping[str, Any]) -> tuple[float, float]:
    """alpha and sigma of what the `step` just made, which was given these arguments, returned."""
    if is_tabulated(scheduler):
        return tabulated(scheduler, scheduler.step_index)
    timestep = torch.as_tensor(given["timestep"]).flatten()[:1].cpu()
    if hasattr(scheduler, "_alpha_cumprod"):
        return root(scheduler._alpha_cumprod(scheduler.previous_timestep(timestep), "cpu"))
    index = getattr(scheduler, "step_index", None)
    if index is not None:  # LCM and TCD, that go where the next timestep says
        if index < len(scheduler.timesteps):
            return root(scheduler.alphas_cumprod[int(scheduler.timesteps[index])])
        return root(scheduler.alphas_cumprod[0]) if type(scheduler).__name__.startswith("TCD") else (1.0, 0.0)
    if "prev_timestep" in inspect.signature(type(scheduler).step).parameters:  # UnCLIP is told where it goes
        told = given.get("prev_timestep")
        before = int(timestep) - 1 if told is None else int(told)
    elif hasattr(scheduler, "previous_timestep"):
        before = int(scheduler.previous_timestep(int(timestep)))
    else:
        before = int(timestep) - scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    return root(scheduler.alphas_cumprod[before] if before >= 0 else getattr(scheduler, "final_alpha_cumprod", 1.0))


def is_tabulated(scheduler: Any) -> bool:
    """Whether the scheduler has a table with an entry for each of its steps."""
    return hasattr(scheduler, "sigmas") or is_angular(scheduler) or is_trigonometric(scheduler)


def tabulated(scheduler: Any, index: int) -> tuple[float, float]:
    """alpha and sigma at a place of the scheduler's own table."""
    if is_trigonometric(scheduler):
        angle = float(scheduler.timesteps[index])
        return math.cos(angle), math.sin(angle) * scheduler.config.sigma_data
    if is_angular(scheduler):
        return float(scheduler.alphas[index]), float(scheduler.betas[index])
    sigma = scheduler.sigmas[index].double()
    if hasattr(scheduler, "_sigma_to_alpha_sigma_t"):
        alpha, scaled = scheduler._sigma_to_alpha_sigma_t(sigma)
        return float(alpha), float(scaled)
    return (1 - float(sigma), float(sigma)) if is_flow(scheduler) else (1.0, float(sigma))


def root(alpha_bar: Any) -> tuple[float, float]:
    """alpha and sigma of a variance-preserving level."""
    return math.sqrt(float(alpha_bar)), math.sqrt(max(0.0, 1 - float(alpha_bar)))


def predicted_clean(
    scheduler: Any, x: torch.Tensor, output: torch.Tensor, alpha: float, sigma: float
) -> tuple[torch.Tensor, str]:
    """Clean data that the network's output at x means, and the kind of prediction it was computed from."""
    x, output = x.float(), output.float()
    if output.shape[1] == 2 * x.shape[1]:  # the other half is a variance
        output = output[:, : x.shape[1]]
    if hasattr(scheduler, "precondition_outputs"):
        return scheduler.precondition_outputs(x, output, torch.tensor(sigma)), "preconditioned"
    if hasattr(scheduler, "get_scalings_for_boundary_condition"):
        skip, out = scheduler.get_scalings_for_boundary_condition(torch.tensor(sigma))
        return skip * x + out * output, "consistency"
    usual = "epsilon" if hasattr(scheduler, "_alpha_cumprod") else "flow_prediction"
    kind = "v_prediction" if is_angular(scheduler) else scheduler.config.get("prediction_type", usual)
    if kind == "epsilon":
        return (x - sigma * output) / alpha, kind
    if kind == "v_prediction":  # of x at unit variance
        return alpha * x / (alpha**2 + sigma**2) - sigma * output / math.hypot(alpha, sigma), kind
    if kind == "flow_prediction":
        return x - sigma * output, kind
    if kind in ("sample", "original_sample"):
        return output, kind
    raise TrajectoryError(f"attach: prediction type '{kind}' of {type(scheduler).__name__} is not known.")


def scheduler_scales(scheduler: Any, index: int) -> tuple[float, float]:
    """alpha and sigma of the latents before step `index` of a diffusers scheduler; after its last step (1, 0)."""
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(sigmas) > index:
        return tabulated(scheduler, index)
    if index >= len(scheduler.timesteps):
        return 1.0, 0.0
    return root(scheduler.alphas_cumprod[int(scheduler.timesteps[index])])
