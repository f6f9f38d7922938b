"""Polygons cut into triangles: convex ones as fans, all others by earcut, seen along their normal."""

from __future__ import annotations

import numpy as np


def triangulated(corners: np.ndarray, flat: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Triangles (F, 3) int64 that cover polygons with the indices `flat`, `sizes` of them each.

    corners: (V, 3). A polygon of fewer than three corners is left out.
    """
    first = np.cumsum(sizes) - sizes
    found = []
    for size in np.unique(sizes[sizes >= 3]):
        faces = flat[first[sizes == size][:, None] + np.arange(size)]  # (P, size)
        if size == 3:
            found.append(faces)
            continue
        convex = _convex(corners[faces])
        found += [faces[convex][:, [0, k, k + 1]] for k in range(1, size - 1)]
        found += [face[_ears(corners[face])] for face in faces[~convex]]
    return np.concatenate(found) if found else np.zeros((0, 3), np.int64)


def _normals(points: np.ndarray) -> np.ndarray:
    """Newell's normal of polygons (P, K, 3), not of unit length: (P, 3)."""
    around = points - points.mean(1, keepdims=True)
    return np.cross(around, np.roll(around, -1, 1)).sum(1)


def _convex(points: np.ndarray) -> np.ndarray:
    """Which polygons (P, K, 3) turn the same way at every corner, once round: (P,) bool."""
    sides = np.roll(points, -1, 1) - points
    turns = np.einsum("pkd,pd->pk", np.cross(sides, np.roll(sides, -1, 1)), _normals(points))
    if points.shape[1] == 4:  # four corners that turn alike cannot wind twice
        return (turns >= 0).all(1)
    fan = points[:, 1:] - points[:, :1]
    parts = np.einsum("pkd,pd->pk", np.cross(fan[:, :-1], fan[:, 1:]), _normals(points))
    return (turns >= 0).all(1) & (parts >= 0).all(1)


def _ears(points: np.ndarray) -> np.ndarray:
    """Triangles (T, 3) of one polygon (K, 3)."""
    import mapbox_earcut

    normal = _normals(points[None])[0]
    flat = np.delete(points, int(np.abs(normal).argmax()), axis=1)  # seen along the axis nearest to the normal
    flat = np.ascontiguousarray((flat - flat[0]) / max(float(np.abs(flat - flat[0]).max()), 1e-300))
    found = mapbox_earcut.triangulate_float64(flat, np.array([len(flat)], np.uint32))
    return np.asarray(found, np.int64).reshape(-1, 3)
