"""`diffrender list`: what there is, and the keys and options of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from diffrender.cli.completion import complete_scenes
from diffrender.cli.flags import Trust
from diffrender.cli.listed import REGISTRIES, Row, rows_of, scene_row
from diffrender.cli.messages import command
from diffrender.cli.settings import trusting
from diffrender.core.terminal import printable

if TYPE_CHECKING:
    from diffrender.config.scene_card import SceneCard

WHAT = ("scenes", "configs", "samplers", *REGISTRIES, "themes")
ABOUT = {  # one line each, since their names stand in modules that load torch
    "samplers": "from noise to data, and Langevin: ddim, ddpm, dpmpp_2m, heun, ula, mala, …",
    "schedules": "how noise grows: squaredcos_cap_v2, karras, flow, …",
    "densities": "in closed form: banana, double_well, expression, …",
    "points": "in 2-D and 3-D, and of files: spiral, moons, torus, drawing, text, …",
    "images": "digits, mnist, cifar10, image_folder, …",
    "models": "with nothing to train: exact, gaussian, local, …",
    "networks": "mlp, unet, …",
    "autoencoders": "whose codes are a target of their own: vae",
    "objectives": "what a network learns: edm, epsilon, flow, …",
}
SHORT = ("kind", "order", "stochastic", "NFE a step", "target", "model", "sampler", "config", "default")
BARE = ("kind", "title", "shows", "what", "paper")  # what needs no name beside it


@command
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar=f"[{'|'.join(WHAT)}]",
            help="All of them if not given.",
            autocompletion=lambda incomplete: [name for name in WHAT if name.startswith(incomplete)],
        ),
    ] = "",
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One of them, in full.", autocompletion=complete_scenes)
    ] = "",
    config: Annotated[
        str, typer.Option("--config", "-c", metavar="FILE", help="What a config takes from Python files of its own.")
    ] = "",
    trust: Trust = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what there is: scenes, configs, samplers, …"""
    from diffrender.core.errors import UsageError, suggest

    trusting(trust)
    if config:
        _code_of(config, as_json)
        return
    if what and what not in WHAT:
        raise UsageError(f"list {what}: nothing of that name is listed.", suggest(what, WHAT))
    if name:
        _one(what, name, as_json)
        return
    if not what and not as_json:
        _overview()
        return
    tables = {name: rows_of(name) for name in ([what] if what else WHAT)}
    if as_json:
        import json

        print(json.dumps(tables[what] if what else tables, ensure_ascii=False, default=str))
        return
    if what == "scenes":
        _in_lines(tables[what])
        return
    for i, (name, rows) in enumerate(tables.items()):
        _show(name, rows, first=i == 0)


def _overview() -> None:
    """All that there is, on one screen, and without loading what takes long."""
    import textwrap

    from diffrender.config.find import configs, scenes
    from diffrender.video.settings import THEMES

    about = {"scenes": ", ".join(scenes()), "configs": ", ".join(configs()), **ABOUT, "themes": ", ".join(THEMES)}
    width = max(map(len, about)) + 2
    for name, text in about.items():
        head, *more = textwrap.wrap(text, _room() - width, break_on_hyphens=False)
        typer.echo(
            typer.style(f"{name:<{width}}", fg="cyan") + "\n".join([head, *(" " * width + line for line in more)])
        )
    typer.echo("\nMore of each:  diffrender list samplers   ·   diffrender list scenes denoise")


def _in_lines(rows: list[Row]) -> None:
    """Scenes, a line each: the name, the config that it takes by itself, what it shows."""
    shown = [(row["name"], row.get("config", ""), _text(row.get("shows", ""))) for row in rows]
    widths = [max(len(line[k]) for line in shown) + 2 for k in (0, 1)]
    room = max(_room() - sum(widths), 20)
    for (name, config, text), row in zip(shown, rows, strict=True):
        text = text if len(text) <= room else f"{text[: room - 1].rsplit(' ', 1)[0]} …"
        text = text or _text(row.get("what", ""))  # what is wrong with it, in full
        typer.echo(typer.style(f"{name:<{widths[0]}}", fg="cyan") + f"{config:<{widths[1]}}{text}")
    typer.echo("\nOptions and recordings of one:  diffrender list scenes denoise")


def _room() -> int:
    """Columns of the terminal, up to what is easily read."""
    import shutil

    return min(shutil.get_terminal_size().columns, 120)


def _code_of(config: str, as_json: bool) -> None:
    """The functions that a config takes from Python files: what they are, and their keys."""
    import json

    from diffrender.jobs.plan.subject import Subject
    from diffrender.jobs.run.check import trusted_code

    rows = [
        {
            "name": section,
            "config": entry.name,
            "what": entry.summary,
            "keys": [str(parameter) for parameter in entry.parameters().values()],
        }
        for section, entry in trusted_code(Subject.of(config)).items()
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
    else:
        _show(f"from Python files, in {config}", rows, first=True)


def _one(what: str, name: str, as_json: bool) -> None:
    """One of the things of a kind, in full."""
    import json

    from diffrender.config.scene_card import find_scene, option_rows
    from diffrender.core.errors import UsageError, suggest

    if what == "scenes":
        card = find_scene(name)
        if as_json:
            print(json.dumps({**scene_row(card), "options": option_rows(card)}, ensure_ascii=False, default=str))
        else:
            _scene_in_full(card)
        return
    rows = {row["name"]: row for row in rows_of(what)}
    if name not in rows:
        raise UsageError(f"list {what} {name}: there is none of that name.", suggest(name, rows))
    if as_json:
        print(json.dumps(rows[name], ensure_ascii=False, default=str))
    else:
        _show(what, [rows[name]], first=True)


def _show(title: str, rows: list[Row], first: bool) -> None:
    """A line or a few for each row: its name, what is short beside it, what is long under it."""
    import textwrap

    room = _room()
    typer.secho(("" if first else "\n") + title, bold=True)
    width = max((len(row["name"]) for row in rows), default=0) + 2
    for row in rows:
        texts = {key: _text(value) for key, value in row.items() if key != "name" and value not in ("", (), [], None)}
        short = " · ".join(text if key in BARE else f"{key} {text}" for key, text in texts.items() if key in SHORT)
        lines = [short] if short else []
        lines += [text if key in BARE else f"{key}: {text}" for key, text in texts.items() if key not in SHORT]
        indent = " " * (width + 2)
        body = [textwrap.fill(line, room, initial_indent=indent, subsequent_indent=indent) for line in lines]
        typer.echo(
            "\n".join([typer.style(f"  {row['name']:<{width}}", fg="cyan") + (body or [indent])[0].strip(), *body[1:]])
        )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))


def _scene_in_full(card: SceneCard) -> None:
    """Everything that a scene says of itself, its options one below the other."""
    from diffrender.config.scene_card import option_rows

    _show("scenes", [{**scene_row(card), "options": ()}], first=True)
    needs = [
        {
            "name": name,
            "kind": need.kind,
            "config": need.config,
            "unless set otherwise": _pairs(need.overrides),
            "always": _pairs(need.fixed),
            "one for each": [f"{key} of {option}" for key, option in getattr(need, "each", {}).items()],
        }
        for name, need in card.needs.items()
    ]
    if needs:
        _show(f"recordings of {card.name}", needs, first=False)
    options = option_rows(card)
    rows = [{"kind": row["type"], **row, "type": "", "shared": ""} for row in options if row["name"] not in card.words]
    _show(f"options of {card.name}", rows, first=False)
    if card.words:
        text = f"{', '.join(card.words)}: each is an option of that name (--json shows them)"
        _show(f"words on screen of {card.name}", [{"name": "", "what": text}], first=False)


def _pairs(settings: Any) -> list[str]:
    return [f"{key}={value}" for key, value in settings.items()]
