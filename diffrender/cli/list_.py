"""`diffrender list`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .common import command

WHAT = ("scenes", "configs", "samplers", "schedules", "densities", "points", "themes")
Row = dict[str, Any]


@command
def list_(
    what: Annotated[str, typer.Argument(metavar=f"[{'|'.join(WHAT)}]", help="All of them if not given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show which scenes, configs, samplers, schedules, densities, points and themes there are."""
    from ..errors import UsageError, suggest

    if what and what not in WHAT:
        raise UsageError(f"list {what}: nothing of that name is listed.", suggest(what, WHAT))
    tables = {name: _rows(name) for name in ([what] if what else WHAT)}
    if as_json:
        import json

        print(json.dumps(tables[what] if what else tables, ensure_ascii=False, default=str))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, rows in tables.items():
        table = Table(title=name, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for i, column in enumerate(rows[0] if rows else ()):
            table.add_column(column, no_wrap=i == 0, overflow="fold")
        for row in rows:
            table.add_row(*(_text(value) for value in row.values()))
        console.print(table)


def _text(value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))


def _rows(what: str) -> list[Row]:
    return {"scenes": _scenes, "configs": _configs, "samplers": _samplers, "themes": _themes}.get(
        what, lambda: _registry(what)
    )()


def _scenes() -> list[Row]:
    from .. import library

    cards = [library.read_scene(file) for file in library.scenes().values()]
    return [
        {
            "name": card.name,
            "config": card.default_config,
            "shows": card.summary,
            "options": library.scene_options(card.file),
        }
        for card in cards
    ]


def _configs() -> list[Row]:
    from .. import library
    from ..errors import DiffrenderError

    rows = []
    for name, file in library.configs().items():
        try:
            config = library.open_config(str(file))
            rows.append(
                {
                    "name": name,
                    "target": config.target.kind,
                    "model": config.model.kind,
                    "sampler": config.sampler.kind,
                    "title": config.title,
                }
            )
        except DiffrenderError as error:
            rows.append(
                {"name": name, "target": "", "model": "", "sampler": "", "title": f"unreadable: {error.problem}"}
            )
    return rows


def _samplers() -> list[Row]:
    from ..record.samplers import SAMPLERS

    shown = ("kind", "order", "stochastic", "nfe_per_step", "paper")
    return [
        {
            "name": e.name,
            **{k.replace("_", " "): e.info.get(k, "") for k in shown},
            "also": e.aliases,
            "keys": tuple(e.parameters()),
        }
        for e in SAMPLERS
    ]


def _registry(what: str) -> list[Row]:
    registry: Any
    if what == "schedules":
        from ..record.levels import SCHEDULES as registry
    elif what == "densities":
        from ..record.targets.densities import DENSITIES as registry
    else:
        from ..record.targets.points import POINTS as registry
    return [{"name": e.name, "what": e.summary, "keys": tuple(e.parameters())} for e in registry]


def _themes() -> list[Row]:
    from ..spec import THEMES

    return [{"name": name} for name in THEMES]
