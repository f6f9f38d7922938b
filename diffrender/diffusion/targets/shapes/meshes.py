"""Meshes: OBJ, PLY (ASCII and binary), OFF and STL, through trimesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError

MAX_BYTES = 512_000_000


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Corners (V, 3) float64 and faces (F, 3) of a mesh file; several parts are taken together."""
    import trimesh

    if path.stat().st_size > MAX_BYTES:
        raise DiffrenderError(f"{path}: larger than a mesh may be ({MAX_BYTES // 10**6} MB).")
    kind = path.suffix.lower()[1:]
    try:
        with path.open("rb") as file:  # without a resolver no other file (materials, textures) is opened
            mesh = trimesh.load_mesh(file, file_type=kind, process=False, resolver=None)
    except Exception as error:  # trimesh's readers raise whatever their parsing trips over
        raise DiffrenderError(
            f"{path}: cannot be read as {kind.upper()} ({error}).", "Is it what its name says? Save it again as PLY."
        ) from None
    corners = np.asarray(getattr(mesh, "vertices", np.empty((0, 3))), np.float64)
    faces = np.asarray(getattr(mesh, "faces", np.empty((0, 3))), np.int64)
    if not len(faces):
        raise DiffrenderError(f"{path}: a mesh without faces.", "Points alone are read from XYZ, CSV or NPY files.")
    if faces.min() < 0 or faces.max() >= len(corners):
        raise DiffrenderError(f"{path}: a face names corner {int(faces.max())}, but there are only {len(corners)}.")
    used = corners[faces]
    if not np.isfinite(used).all():
        raise DiffrenderError(f"{path}: a corner that is not finite.")
    if not np.cross(used[:, 1] - used[:, 0], used[:, 2] - used[:, 0]).any():
        raise DiffrenderError(f"{path}: none of its faces has any area.")
    return corners, faces
