"""The house: rooms stand in one order, imports go down, and what is not asked for is not loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "manim", "numba", "scipy")

# Each room, from the roof to the ground, and the rooms that it may import; itself it may always.
ROOMS: dict[str, tuple[str, ...]] = {
    "cli": ("api", "notebook", "lecture", "jobs", "video", "animation", "diffusion", "trajectory", "config", "core"),
    "api": ("notebook", "lecture", "jobs", "video", "trajectory", "config", "core"),
    "lecture": ("jobs", "video", "trajectory", "config", "core"),
    "jobs": ("video", "diffusion", "trajectory", "config", "core"),
    "video": ("animation", "trajectory", "config", "core"),
    "animation": ("trajectory", "config", "core"),
    "notebook": ("trajectory", "config", "core"),
    "diffusion": ("trajectory", "config", "core"),
    "trajectory": ("config", "core"),
    "config": ("core",),
    "core": (),
}
# Packages that a room never imports, wherever in a file.
NEVER = {
    "animation": ("torch",),
    "video": ("torch",),
    "diffusion": ("manim",),
    "core": ("torch", "manim"),
    "config": ("torch", "manim"),
    "trajectory": ("torch", "manim"),
}
# Rooms that load none of HEAVY, and neither wing, when they are imported.
LIGHT = ("core", "config", "trajectory", "jobs", "lecture", "cli", "api", "notebook")
SCENES_MAY_IMPORT = ("diffrender.animation", "manim", "numpy", "pydantic")  # and Python's own library


def imports(file: Path, top_level_only: bool = False, root: Path = ROOT) -> set[str]:
    """Dotted names of everything that a file imports: modules, and what is taken from them."""
    package = file.relative_to(root).with_suffix("").parts[:-1]
    tree = ast.parse(file.read_text("utf-8"))
    names: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (base, node.module or "") if part)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def touching(names: Iterable[str], *packages: str) -> set[str]:
    """Those of `names` that lie in one of `packages`."""
    return {n for n in names for p in packages if n == p or n.startswith(p + ".")}


def room_of(file: Path, root: Path = ROOT) -> str:
    """The room in which a file of the package stands; "" for the front door (`__init__`, `__main__`)."""
    first = file.relative_to(root / "diffrender").parts[0].removesuffix(".py")
    return "" if first.startswith("__") else first


def house(root: Path = ROOT) -> dict[str, set[str]]:
    """module → modules of ours that it imports, wherever in the file."""
    files = {
        ".".join(f.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): f
        for f in sorted((root / "diffrender").rglob("*.py"))
    }
    return {name: {n for n in imports(file, root=root) if n in files and n != name} for name, file in files.items()}


def wrong_directions(arrows: Mapping[str, set[str]]) -> list[str]:
    """Every import against the table, as `from -> to`."""
    found = []
    for module, targets in arrows.items():
        here = module.split(".")[1] if "." in module else ""
        for target in targets:
            there = target.split(".")[1] if "." in target else ""
            if here and there and there != here and not here.startswith("__") and there not in ROOMS.get(here, ()):
                found.append(f"{module} -> {target}")
    return sorted(found)


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a loop (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for below in arrows[node]:
            if below not in index:
                visit(below)
                low[node] = min(low[node], low[below])
            elif below in stack:
                low[node] = min(low[node], index[below])
        if low[node] == index[node]:
            at = stack.index(node)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for node in arrows:
        if node not in index:
            visit(node)
    return found


def folders(arrows: Mapping[str, set[str]], depth: int) -> dict[str, set[str]]:
    """The same arrows between folders `depth` names deep (files above that depth stand for themselves)."""

    def folder(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:depth]) if len(parts) > depth else module

    out: dict[str, set[str]] = {}
    for module, targets in arrows.items():
        here = out.setdefault(folder(module), set())
        here |= {folder(t) for t in targets} - {folder(module)}
    for targets in list(out.values()):
        for target in targets:
            out.setdefault(target, set())
    return out


ARROWS = house()
TEMPLATES = ROOT / "diffrender/cli/templates"  # files for users: no modules, and held to what scenes are held to
FILES = sorted(file for file in (ROOT / "diffrender").rglob("*.py") if file.parent != TEMPLATES)


def test_every_file_stands_in_a_room():
    loose = [
        f.name for f in (ROOT / "diffrender").glob("*.py") if f.name not in ("__init__.py", "__main__.py", "api.py")
    ]
    assert loose == []
    assert {room_of(f) for f in FILES} - {""} == set(ROOMS)


def test_imports_go_down():
    assert wrong_directions(ARROWS) == []


def test_there_are_no_circles_between_files():
    assert circles(ARROWS) == []


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_there_are_no_circles_between_folders(depth):
    """Inside rooms too: two folders never import each other."""
    assert circles(folders(ARROWS, depth)) == []


def test_an_arrow_against_the_table_and_a_circle_are_found():
    """The control: one import more, and the checks fail."""
    spoilt = {name: set(targets) for name, targets in ARROWS.items()}
    spoilt["diffrender.core.errors"].add("diffrender.jobs.job")
    assert wrong_directions(spoilt) == ["diffrender.core.errors -> diffrender.jobs.job"]
    assert any("diffrender.core.errors" in group for group in circles(spoilt))
    assert circles(folders({"a.b.x": {"a.c.y"}, "a.c.y": set(), "a.c.z": {"a.b.w"}, "a.b.w": set()}, 2)) == [
        ["a.b", "a.c"]
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_room_imports_no_package_that_is_not_its_own_business(file):
    assert not touching(imports(file), *NEVER.get(room_of(file), ()))


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) in LIGHT], ids=lambda f: str(f.relative_to(ROOT)))
def test_light_rooms_load_nothing_heavy_when_imported(file):
    wings = ("diffrender.diffusion", "diffrender.animation")
    assert not touching(imports(file, top_level_only=True), *HEAVY, *wings)


@pytest.mark.parametrize(
    "file", sorted([*(ROOT / "scenes").glob("*.py"), *TEMPLATES.glob("*.py")]), ids=lambda f: f.name
)
def test_scenes_know_one_face_only(file):
    strangers = {n for n in imports(file) if n.split(".")[0] == "diffrender"} - {"diffrender.animation"}
    assert {n for n in strangers if n.rpartition(".")[0] != "diffrender.animation"} == set()
    foreign = {n for n in imports(file) if n.split(".")[0] not in sys.stdlib_module_names}
    assert foreign == touching(foreign, *SCENES_MAY_IMPORT)


def test_a_forbidden_package_is_seen():
    assert touching(imports(ROOT / "diffrender/video/frames.py"), "manim"), "it draws with Manim: the check must see it"


@pytest.mark.parametrize(
    "code",
    [
        "import diffrender",
        "import diffrender.api, diffrender.jobs.job, diffrender.lecture.plan",
        "import sys; sys.argv = ['diffrender', '--help']\ntry:\n from diffrender.cli.app import main; main()\n"
        "except SystemExit: pass",
    ],
)
def test_the_front_door_is_light(code):
    code += f"\nimport sys; print('LOADED', [m for m in {HEAVY} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip().endswith("LOADED []")


def test_ffmpeg_python_stays_in_one_folder():
    users = {f.relative_to(ROOT).as_posix() for f in FILES if touching(imports(f), "ffmpeg")}
    assert users <= {"diffrender/video/encode/container.py", "diffrender/video/encode/gif.py"}
    assert users
