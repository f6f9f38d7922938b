"""`diffrender new`: a config, a scene or a lecture to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.messages import command, print_output, say

TEMPLATES = Path(__file__).parents[1] / "templates"  # whole files, in which NAME, TITLE and FILE are replaced
KINDS = {  # what can be started → its template, and the folder in which such files are found by name
    "config": ("config.yaml", "configs"),
    "scene": ("scene.py", "scenes"),
    "lecture": ("lecture.yaml", "."),
}


@command
def new(
    what: Annotated[str, typer.Argument(metavar="config|scene|lecture")],
    name: Annotated[str, typer.Argument(help="Its name, or the file to write.")],
) -> None:
    """Start a config, scene or lecture of your own.

    Writes a short example that works, to be changed.
    """
    import re
    import shlex

    from diffrender.core.errors import DiffrenderError, UsageError, suggest
    from diffrender.core.files import expanded, write_text

    if what not in KINDS:
        raise UsageError(f"new {what}: no such kind of thing.", suggest(what, KINDS))
    template, folder = KINDS[what]
    suffix = Path(template).suffix
    plain = name.removesuffix(suffix)
    if plain.endswith(("/", "\\", ".")) or not Path(plain).stem.strip("~. "):
        raise UsageError(f"new {what} '{name}': no name.", f"Example: diffrender new {what} mine")
    if not name.endswith(suffix) and len(Path(name).parts) > 1:
        raise UsageError(f"new {what} {name}: neither a name nor a {suffix} file.", f"Name the file: {name}{suffix}")
    file = expanded(name) if name.endswith(suffix) else Path(folder) / f"{name}{suffix}"
    if file.exists():
        raise DiffrenderError(f"{file}: is there already.", "Give another name, or delete it first.")
    stem = file.stem.replace("-", "_")
    class_name = "".join(part.capitalize() for part in stem.split("_"))
    if what == "scene" and not class_name.isidentifier():
        raise UsageError(f"new scene {name}: a class cannot be called '{class_name}'.", "Use letters, digits and _.")
    words = {
        "NAME": class_name if what == "scene" else file.stem,
        "TITLE": stem.replace("_", " ").capitalize(),
        "FILE": str(file),
    }
    text = (TEMPLATES / template).read_text("utf-8")
    write_text(file, re.sub("|".join(words), lambda match: words[match[0]], text))
    quoted = shlex.quote(str(file))
    say(
        {
            "config": f"Next:  diffrender train {quoted}",
            "scene": f"Next:  diffrender render {quoted if Path(name) == file else file.stem} -q l -p",
            "lecture": f"Next:  diffrender batch {quoted} --dry-run",
        }[what]
    )
    print_output(file)
