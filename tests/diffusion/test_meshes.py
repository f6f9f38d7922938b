"""Targets from meshes: spread evenly by area, from every kind of file; broken ones are refused."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.stats import chisquare

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.build import build_target

from .test_drawings import cost, save

SIZES = np.array([0.01, 0.03, 0.1, 0.5, 1.0, 2.0, 0.2, 0.3])  # areas differ by up to 40,000


def slivers(offset=0.0, scale=1.0):
    """Triangles apart from one another, tilted, of very unequal size; face k lies around x = 5 k."""
    shape = np.array([[-0.7, -0.4, 0.1], [0.8, -0.4, 0.3], [0.1, 0.9, -0.4]])
    corners = np.concatenate([shape * size + [5.0 * k, 0, 0] for k, size in enumerate(SIZES)])
    return trimesh.Trimesh(corners * scale + offset, np.arange(3 * len(SIZES)).reshape(-1, 3), process=False)


def write(mesh, folder, kind):
    name, _, encoding = kind.partition("-")
    path = folder / f"a.{name}"
    mesh.export(path, **({"encoding": encoding} if name == "ply" else {}))
    return path


@pytest.mark.parametrize("kind", ["obj", "off", "stl", "stl_ascii", "ply-ascii", "ply-binary"])
def test_faces_are_met_by_area(kind, tmp_path):
    file = tmp_path / "a.stl" if kind == "stl_ascii" else write(slivers(), tmp_path, kind)
    if kind == "stl_ascii":
        slivers().export(file, file_type="stl_ascii")
    target = build_target(TargetConfig(kind="mesh", file=str(file)), Path())
    x = target.draw(60_000, np.random.default_rng(0)) * target.scale + target.offset
    counts = np.bincount(np.rint(x[:, 0] / 5).astype(int), minlength=len(SIZES))
    area = SIZES**2 / (SIZES**2).sum()
    enough = area * len(x) > 8
    observed, expected = np.append(counts[enough], counts[~enough].sum()), np.append(area[enough], area[~enough].sum())
    assert chisquare(observed, expected * len(x)).pvalue > 1e-4
    assert chisquare(counts, np.full(len(SIZES), len(x) / len(SIZES))).pvalue < 1e-9  # not evenly by face


def test_points_are_even_inside_a_face(tmp_path):
    file = save(tmp_path, "a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    target = build_target(TargetConfig(kind="drawing", file=str(file)), Path())
    x = target.draw(40_000, np.random.default_rng(0)) * target.scale + target.offset
    quarter = np.where(x[:, 0] > 0.5, 0, np.where(x[:, 1] > 0.5, 1, np.where(x[:, 0] + x[:, 1] > 0.5, 2, 3)))
    assert chisquare(np.bincount(quarter)).pvalue > 1e-4


@pytest.mark.parametrize(("offset", "scale"), [(1e6, 1e3), (-3e-5, 1e-6)])
def test_any_size_and_offset_is_centred_and_recorded(offset, scale, tmp_path):
    here = build_target(TargetConfig(kind="mesh", file=str(write(slivers(), tmp_path, "obj"))), Path())
    away = write(slivers(offset, scale), tmp_path, "obj")
    text = "".join(f"v {x:.17g} {y:.17g} {z:.17g}\n" for x, y, z in slivers(offset, scale).vertices)
    faces = "".join(f"f {3 * k + 1} {3 * k + 2} {3 * k + 3}\n" for k in range(len(SIZES)))
    target = build_target(TargetConfig(kind="mesh", file=str(save(tmp_path, away.name, text + faces))), Path())
    assert np.isclose(target.scale, here.scale * scale, rtol=1e-3)
    assert np.allclose(target.offset, here.offset * scale + offset, atol=1e-3 * scale)
    rng = np.random.default_rng
    assert np.allclose(target.draw(1000, rng(2)), here.draw(1000, rng(2)), atol=1e-3)


def ply(body, vertices=3, faces=1, kind="ascii"):
    return (
        f"ply\nformat {kind} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n{body}"
    )


CORNERS = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
REFUSED = {
    "nothing.ply": (ply("", vertices=0, faces=0), "neither faces nor points"),
    "cut.ply": (ply("0 0 0\n1 0 0\n"), "cannot be read as PLY"),
    "words.obj": ("once upon a time\n", "no corners"),
    "words.ply": ("once upon a time\n", "cannot be read as PLY"),
    "words.stl": ("once upon a time\n", "not an STL file"),
    "words.off": ("once upon a time\n", "not an OFF file"),
    "empty.ply": ("", "cannot be read as PLY"),
    "boast.ply": (ply("0" * 99, vertices=10**12, kind="binary_little_endian"), "cannot be read as PLY"),
    "boast.stl": (bytes(80) + (2**31).to_bytes(4, "little") + bytes(100), "truncated"),
    "missing.obj": (CORNERS + "f 1 2 9\n", "names corner 9"),
    "flat.obj": ("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "any area"),
    "nan.obj": ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_broken_meshes_are_refused(name, tmp_path):
    body, message = REFUSED[name]
    with pytest.raises(DiffrenderError, match=message) as caught:
        build_target(TargetConfig(kind="mesh", file=str(save(tmp_path, name, body))), Path())
    assert name in str(caught.value)
    assert str(caught.value).count("\n") <= 1


def test_no_other_file_is_opened(tmp_path):
    save(tmp_path, "steel.mtl", "newmtl steel\nmap_Kd nowhere.png\n")
    file = save(tmp_path, "a.obj", f"mtllib steel.mtl\n{CORNERS}usemtl steel\nf 1 2 3\n")
    assert build_target(TargetConfig(kind="mesh", file=str(file)), Path()).dim == 3


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_million_faces(tmp_path):
    side = 708
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, side), np.linspace(0, np.pi, side))
    corners = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], -1).reshape(-1, 3).astype("<f4")
    i = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    rows = np.zeros(2 * len(i), [("n", "u1"), ("corners", "<i4", 3)])
    rows["n"], rows["corners"] = 3, np.concatenate([[i, i + 1, i + side], [i + 1, i + side + 1, i + side]], 1).T
    header = ply("", len(corners), len(rows), "binary_little_endian")
    seconds, size = cost(save(tmp_path, "a.ply", header.encode() + corners.tobytes() + rows.tobytes()))
    assert len(rows) > 999_000
    assert seconds < 5
    assert size < 1e9
