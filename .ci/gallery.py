"""Write docs/scenes.md, a page of every scene from what its file declares, and render its picture into docs/gallery.

python .ci/gallery.py            # writes the page
python .ci/gallery.py --check    # 1 if the page says something else, a picture is missing, or they are too large
python .ci/gallery.py --render [SCENE …]    # renders first: pictures that are up to date stay as they are
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from diffrender.config.declarations import Recording
from diffrender.config.find import scenes
from diffrender.config.scene_card import SceneCard, option_rows, read_scene

ROOT = Path(__file__).parents[1]
PAGE, GALLERY = ROOT / "docs/scenes.md", ROOT / "docs/gallery"
MOST_BYTES = 12_000_000  # of all pictures
COMMANDS = {"card": 'diffrender render card -O "title=Score matching"'}  # where its name alone says too little
HEAD = """# Every scene

Written by `make gallery` from what the scenes declare: do not edit it here. Each picture is the last one of the clip
that the command makes. Options are given as `-O name=value`; those that every scene has stand at the end.
"""


def cards() -> list[SceneCard]:
    """The shipped scenes, by name."""
    return [read_scene(file) for _, file in sorted(scenes().items()) if file.is_relative_to(ROOT)]


def command(card: SceneCard) -> str:
    """The command that renders a scene."""
    return COMMANDS.get(card.name, f"diffrender render {card.name}")


def page() -> str:
    """The whole page."""
    parts = [HEAD, *(part for card in cards() for part in _scene(card))]
    shared = [row for row in option_rows(SceneCard("", ROOT, "")) if row["shared"]]
    return "\n".join([*parts, "## Options of every scene\n", *_table(shared)]) + "\n"


def _scene(card: SceneCard) -> list[str]:
    """Its heading, sentence, picture, command, what it shows and needs, and its own options."""
    said = [f"## {card.name}\n", f"{card.summary}\n", f"![{card.name}](gallery/{card.name}.png)\n"]
    said.append(f"    {command(card)}\n")
    facts = [f"Shows {', '.join(card.shows)}."] if card.shows else []
    if card.default_config:
        facts.append(f"Its config, unless `--config` names another: `{card.default_config}`.")
    if card.needs:
        facts.append(f"Recordings: {', '.join(_need(name, need) for name, need in card.needs.items())}.")
    own = [row for row in option_rows(card) if not row["shared"] and row["name"] not in card.words]
    words = f"Words on screen, each an option: {', '.join(f'`{name}`' for name in card.words)}.\n"
    said += [" ".join(facts) + "\n"] if facts else []
    return [*said, *([*_table(own), ""] if own else []), *([words] if card.words else [])]


def _need(name: str, need: object) -> str:
    """`run` (reverse), or `racer` (reverse, one for each of `samplers`)."""
    each = list(need.each.values()) if isinstance(need, Recording) else []
    many = f", one for each of `{each[0]}`" if each else ""
    kind = need.kind.replace("|", " or ")  # type: ignore[attr-defined]
    return f"`{name}` ({kind or 'any'}{many})"  # type: ignore[attr-defined]


def _table(rows: list[dict[str, str]]) -> list[str]:
    """Rows of options: name, type, default, meaning."""
    bar = "\\|"
    lines = ["| option | | default | |", "|---|---|---|---|"]
    for row in rows:
        default = f"`{row['default'].replace('|', bar)}`" if row["default"] else ""
        kind, what = (re.sub(r"([|*<])", r"\\\1", row[name]) for name in ("type", "what"))
        lines.append(f"| `{row['name']}` | {kind} | {default} | {what} |")
    return lines


def render(card: SceneCard) -> None:
    """Render a scene's picture, if it is not up to date."""
    out = GALLERY / f"{card.name}.png"
    words = ["title=Score matching"] if card.name in COMMANDS else []
    options = [part for word in words for part in ("-O", word)]
    line = [sys.executable, "-m", "diffrender", "render", card.name, "-q", "m", "-s", *options, "--out", str(out)]
    subprocess.run(line, check=True, cwd=ROOT)


def wrong() -> list[str]:
    """What is not as it should be."""
    found = [] if PAGE.is_file() and PAGE.read_text() == page() else [f"{PAGE.name} is not what the scenes declare"]
    pictures = {file.stem: file for file in GALLERY.glob("*.png")}
    names = {card.name for card in cards()}
    found += [f"{name} has no picture" for name in sorted(names - set(pictures))]
    found += [f"{name}.png is of no scene" for name in sorted(set(pictures) - names)]
    size = sum(file.stat().st_size for file in pictures.values())
    return found + ([f"the pictures have {size:,} bytes"] if size > MOST_BYTES else [])


def main() -> int:
    """0, or 1 if something is wrong."""
    if "--check" in sys.argv:
        print("\n".join(problems := wrong()))
        return int(bool(problems))
    GALLERY.mkdir(exist_ok=True)
    if "--render" in sys.argv:
        chosen = sys.argv[sys.argv.index("--render") + 1 :]
        for card in cards():
            if not chosen or card.name in chosen:
                render(card)
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
