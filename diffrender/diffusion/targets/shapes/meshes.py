"""Meshes as triangles, and clouds of points in mesh files. Called in a process with limits on time and memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.mesh_files import read_obj, read_off, read_ply, read_stl
from diffrender.diffusion.targets.shapes.polygons import triangulated
from diffrender.diffusion.targets.shapes.tables.points import MAX_COORDINATE

MAX_BYTES = 512_000_000
FORMATS = {".obj": read_obj, ".off": read_off, ".ply": read_ply, ".stl": read_stl}


def read_mesh(_: bytes, *, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """[corners (V, 3), triangles (F, 3)] of a mesh file, or [points (M, 3)] if it has no faces."""
    file = Path(path)
    if file.stat().st_size > MAX_BYTES:
        raise DiffrenderError(f"{path}: larger than a mesh may be ({MAX_BYTES // 10**6} MB).")
    mesh = FORMATS[file.suffix.lower()](file)
    if not len(mesh.sizes):
        return _cloud(mesh.corners, path)
    if len(mesh.flat) and (mesh.flat.min() < 0 or mesh.flat.max() >= len(mesh.corners)):
        wrong = mesh.flat.min() if mesh.flat.min() < 0 else mesh.flat.max()
        raise DiffrenderError(f"{path}: a face names corner {wrong}, but there are only {len(mesh.corners):,}.")
    _check(mesh.corners[mesh.flat], path, "a corner")
    faces = triangulated(mesh.corners, mesh.flat, mesh.sizes)
    used = mesh.corners[faces]
    used = used / max(float(np.abs(used).max(initial=0)), 1e-300)
    if not np.cross(used[:, 1] - used[:, 0], used[:, 2] - used[:, 0]).any():
        raise DiffrenderError(f"{path}: none of its faces has any area.")
    small = int((mesh.sizes < 3).sum())
    notes = [*mesh.notes, *([f"{file.name}: {small:,} faces of fewer than three corners are left out."] * bool(small))]
    return {"notes": notes}, [mesh.corners, faces]


def _cloud(points: np.ndarray, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    if not len(points):
        raise DiffrenderError(f"{path}: neither faces nor points in it.")
    there = np.isfinite(points).all(axis=1)  # scanners write what they did not see as nan
    if not there.any():
        raise DiffrenderError(f"{path}: no point in it that is finite.")
    _check(points[there], path, "a point")
    note = f"{Path(path).name}: no faces in it; its {len(points):,} points are taken as they are"
    lost = f", without {(~there).sum():,} that are not finite" if not there.all() else ""
    return {"notes": [f"{note}{lost}."]}, [points[there]]


def _check(points: np.ndarray, path: str, what: str) -> None:
    if not np.isfinite(points).all():
        raise DiffrenderError(f"{path}: {what} that is not finite.")
    if np.abs(points).max(initial=0) > MAX_COORDINATE:
        raise DiffrenderError(f"{path}: {what} farther out than {MAX_COORDINATE:g}.")
