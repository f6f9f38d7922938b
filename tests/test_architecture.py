"""The data flow: two wings that never meet, and a front door that loads neither."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TORCH_WING = sorted((ROOT / "diffrender/record").rglob("*.py"))
MANIM_WING = sorted([*(ROOT / "diffrender/show").rglob("*.py"), *(ROOT / "scenes").glob("*.py")])
NEITHER = sorted([*(ROOT / "diffrender").glob("*.py"), *(ROOT / "diffrender/cli").glob("*.py")])


def imported(file: Path, top_level_only: bool = False) -> set[str]:
    """Dotted names of everything a file imports, relative imports resolved."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(file.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (base, node.module or "") if part)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def touches(names: set[str], *modules: str) -> set[str]:
    return {n for n in names for m in modules if n == m or n.startswith(m + ".")}


@pytest.mark.parametrize("file", TORCH_WING, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_torch_wing_never_imports_manim(file):
    assert not touches(imported(file), "manim", "diffrender.show", "scenes")


@pytest.mark.parametrize("file", MANIM_WING, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_manim_wing_never_imports_torch(file):
    assert not touches(imported(file), "torch", "diffrender.record")


@pytest.mark.parametrize("file", NEITHER, ids=lambda f: str(f.relative_to(ROOT)))
def test_the_middle_loads_no_wing_when_imported(file):
    assert not touches(imported(file, top_level_only=True), "torch", "manim", "diffrender.record", "diffrender.show")


def test_the_check_sees_a_forbidden_import(tmp_path):
    file = ROOT / "diffrender/show/frames.py"
    assert touches(imported(file), "manim"), "frames.py draws with Manim, so the check must see it"


@pytest.mark.parametrize(
    "code",
    [
        "import diffrender",
        "import diffrender.jobs, diffrender.clips",
        "import sys; sys.argv = ['diffrender', '--help']\ntry:\n from diffrender.cli.app import main; main()\n"
        "except SystemExit: pass",
    ],
)
def test_the_front_door_is_light(code):
    code += "\nimport sys; print('LOADED', [m for m in ('torch', 'manim', 'numba', 'scipy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip().endswith("LOADED []")


def test_ffmpeg_python_stays_in_one_module():
    users = [f for f in (ROOT / "diffrender").rglob("*.py") if touches(imported(f), "ffmpeg")]
    assert [f.name for f in users] == ["video.py"]
