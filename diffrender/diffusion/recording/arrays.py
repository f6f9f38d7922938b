"""Anyone's arrays, read: tensors of torch, and what NumPy can read of JAX, CuPy, MLX and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError, words_of


def as_tensor(key: str, value: Any, where: Path) -> torch.Tensor:
    """A copy of floating-point states (N, *event), in single precision or half; TrajectoryError for anything else."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().clone()
    else:
        tensor = torch.from_numpy(np.array(read_array(key, value, where)))
    if not tensor.is_floating_point() or tensor.ndim < 2:
        kind = str(tensor.dtype).removeprefix("torch.")
        remedy = "One row a chain: x[:, None] for chains in one dimension."
        if tensor.ndim >= 2:
            remedy = (
                "Tokens and other discrete states cannot be drawn as a diffusion; record what is continuous of them, as"
                " their embeddings. Pixels are recorded as floats in [−1, 1]."
            )
        raise TrajectoryError(
            f"{where}: '{key}': states are floating-point numbers (N, *event), not {kind} of shape"
            f" {tuple(tensor.shape)}.",
            remedy,
        )
    return tensor


def read_array(key: str, value: Any, where: Path) -> np.ndarray:
    """Anyone's array of numbers as NumPy's, through `__array__` or DLPack; TrajectoryError if it is none."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    try:
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            array = torch.from_dlpack(value).cpu().numpy()
        else:
            array = np.asarray(value)
        if array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):  # of JAX, that torch cannot take
            array = array.astype(np.float32)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise TrajectoryError(f"{where}: '{key}': cannot be read as an array ({words_of(error)}).") from None
    if array.dtype.kind not in "fiub":
        raise TrajectoryError(f"{where}: '{key}': an array of numbers is needed, not of {array.dtype}.")
    return array


def to_store(value: Any) -> np.ndarray:
    """As NumPy, in float32 where it is floating point; what has one axis may be in float64."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype).numpy()
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype == np.float64 and value.ndim > 1 else value
