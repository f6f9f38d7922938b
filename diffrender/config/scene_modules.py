"""The files that a scene is made of: its own, and the modules beside it that it imports, found without running any.

A scene's folder can be imported from, so what it takes from there decides the picture as much as the scene does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def scene_modules(scene: Path) -> list[Path]:
    """The scene's file, then the Python files in its folder and below that it imports, and those that these import.

    What only a running program could tell (a name that is put together and then imported) is not seen.
    """
    scene = scene.resolve()
    found = [scene]
    for file in found:  # it grows while it is walked
        found += [module for module in _imported(file, scene.parent) if module not in found]
    return [scene, *sorted(found[1:])]


def _imported(file: Path, root: Path) -> list[Path]:
    try:
        tree = ast.parse(file.read_text("utf-8"), str(file))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    package = file.relative_to(root).parts[:-1]
    files: dict[Path, None] = {}
    for node in ast.walk(tree):
        for name in _names(node, package):
            files.update(dict.fromkeys(_files(name, root)))
    return list(files)


def _names(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Dotted names that an import statement may mean, as tuples; relative ones are made absolute."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        base = (*above, *(node.module.split(".") if node.module else ()))
        yield base
        for alias in node.names:
            yield (*base, alias.name)


def _files(name: tuple[str, ...], root: Path) -> Iterator[Path]:
    """Files that are run when `name` is imported: the module, and the `__init__` of each package above it."""
    for depth in range(1, len(name) + 1):
        place = root.joinpath(*name[:depth])
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                yield file.resolve()
