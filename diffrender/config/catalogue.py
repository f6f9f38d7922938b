"""Catalogues: the lines that scenes put on screen in another language, one YAML file each. Manim-free.

A catalogue maps lines of Typst as scenes write them in English to what shall stand there. `{}` in a line is anything
that a scene fills in, a number or a word, which is looked up in its turn:

    "step {} of {}": "Schritt {} von {}"

The line for 1,000.5 says how numbers are written, as 1 000,5 in German.
Shipped ones lie in `diffrender/words`; each of them has every line. A catalogue of the user's own may leave lines out,
which stay English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError, UsageError, suggest
from diffrender.core.files import expanded
from diffrender.core.notes import note

FOLDER = Path(__file__).parents[1] / "words"
ENGLISH = "en"  # what scenes are written in: it needs no catalogue
FIELD = "{}"
NUMBER = "1,000.5"  # the line that says how numbers are written


def languages() -> dict[str, Path]:
    """Every shipped language but English: its code → its catalogue."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}


@cache
def shipped_lines() -> frozenset[str]:
    """Every line that a shipped scene may put on screen."""
    return frozenset(read_yaml(next(iter(languages().values()))))


def find_catalogue(lang: str) -> Path | None:
    """The file of `--lang`: a language's code, or a catalogue's path; None for English. UsageError if there is none."""
    if lang == ENGLISH:
        return None
    if lang in languages():
        return languages()[lang]
    path = expanded(lang)
    if not lang.endswith((".yaml", ".yml")):
        remedy = suggest(lang, [ENGLISH, *languages()]) + " A catalogue of your own is a YAML file."
        raise UsageError(f"--lang {lang}: no such language.", remedy)
    if not path.is_file():
        raise UsageError(f"--lang {lang}: no such file.", f"Shipped catalogues lie in {FOLDER}: copy one.")
    return path.resolve()


def read_catalogue(file: Path) -> dict[str, str]:
    """English line → line. ConfigError naming file and line where one is no text, or has other fields."""
    found = read_yaml(file)
    for line, said in found.items():
        if not isinstance(said, str) or not said.strip():
            raise ConfigError(
                f"{file}: '{line}': text is needed, not {said!r}.", "Leave the line out to keep it English."
            )
        if line.count(FIELD) != said.count(FIELD):
            raise ConfigError(
                f"{file}: '{line}': {line.count(FIELD)} of {FIELD} must stand in its text, not {said.count(FIELD)}.",
                "They are filled in the same order.",
            )
    if not re.fullmatch("1[,. ]000[,.]5", said := found.get(NUMBER, NUMBER)):
        raise ConfigError(f"{file}: '{NUMBER}': a number is written with blanks, commas and points, not as {said!r}.")
    return found


def check_catalogue(file: Path, own: Iterable[str] = ()) -> None:
    """Refuse a line that no shipped scene has, nor is among the scene's `own`; say how many stay English."""
    found, known = read_catalogue(file), shipped_lines()
    for line in found:
        if line not in known and line not in own:
            raise ConfigError(f"{file}: '{line}': no scene says this.", suggest(line, known))
    if missing := sorted(known - set(found)):
        note(
            f"{file}: {len(missing):,} of {len(known):,} lines are not in it and stay English, such as '{missing[0]}'."
        )
