"""A run on latents, decoded by its autoencoder: images of the states, and the classes read in the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.run import Run
from diffrender.trajectory.reader import shown_scale


def decoded(
    run: Run, near: Sequence[torch.Tensor], last: np.ndarray, levels: Sequence[Level]
) -> Iterator[tuple[str, np.ndarray]]:
    """Members `decoded` and `read`.

    near: (V, Z) states of the first chains at each of `levels`; `record.decoded` of them are decoded, where they are
    shown. last: (N, Z) the last states of all chains; of a reverse run their images are read.
    """
    autoencoder, count = run.autoencoder, run.config.record.decoded
    assert autoencoder is not None
    if count:
        scale = shown_scale(np.array([a.alpha for a in levels]), np.array([a.sigma for a in levels]))
        states = torch.stack(list(near))[:, :count].cpu().numpy() / scale[:, None, None].astype(np.float32)
        images = autoencoder.decode(states.reshape(-1, states.shape[2])).numpy().astype(np.float16)
        yield "decoded", images.reshape(*states.shape[:2], *images.shape[1:])
    if autoencoder.reader is not None and run.kind == "reverse":
        yield "read", autoencoder.reader.read(autoencoder.decode(last)).numpy()
