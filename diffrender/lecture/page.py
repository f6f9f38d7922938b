"""index.html of a lecture: one page, readable from disk, that shows and plays everything that was made."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path
from urllib.parse import quote

from diffrender.core.files import write_text
from diffrender.lecture.plan import Item, Plan

STYLE = """
:root { color-scheme: dark light; --bg: #0D1117; --panel: #141A24; --border: #56657F; --fg: #F4F6FA; --muted: #AEB9CA;
  --data: #56B4E9; --noise: #FF9B42 }
@media (prefers-color-scheme: light) { :root { --bg: #FFFFFF; --panel: #F6F8FB; --border: #8793A5; --fg: #12161D;
  --muted: #4C5667; --data: #0069A8; --noise: #C34900 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 80rem; padding: 2rem 1.5rem; background: var(--bg); color: var(--fg);
  font: 1.05rem/1.5 "New Computer Modern", "Latin Modern Roman", Georgia, serif }
h1 { font-weight: normal; font-size: 2.2rem; margin: 0 0 1rem }
h2 { font-weight: normal; font-size: 1.4rem; margin: 2.5rem 0 1rem; padding-bottom: .3rem;
  border-bottom: 2px solid; border-image: linear-gradient(90deg, var(--noise), var(--data)) 1 }
video { display: block; width: 100%; background: var(--panel); border: 1px solid var(--border); border-radius: 6px }
.film { display: grid; grid-template-columns: minmax(0, 3fr) minmax(12rem, 1fr); gap: 1.5rem }
.chapters { list-style: none; margin: 0; padding: 0; max-height: 32rem; overflow-y: auto }
.chapters button { all: unset; box-sizing: border-box; width: 100%; padding: .25rem .4rem; cursor: pointer;
  display: flex; gap: .8rem }
.chapters button:hover, .chapters button:focus-visible { color: var(--data) }
time { color: var(--muted); font-variant-numeric: tabular-nums }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem }
figure { margin: 0 } figcaption { margin-top: .4rem } figcaption p, footer { margin: 0; color: var(--muted) }
a { color: var(--data) } footer { margin-top: 3rem }
@media (max-width: 50rem) { .film { grid-template-columns: 1fr } }
"""
SCRIPT = """
const film = document.getElementById("film");
for (const button of document.querySelectorAll("[data-start]"))
  button.onclick = () => { film.currentTime = Number(button.dataset.start); film.play(); };
"""


def write(plan: Plan) -> Path | None:
    """Write the page of what is there now, if the lecture wants one; its file. One that says the same is left alone."""
    if not plan.lecture.outputs.index:
        return None
    file, text = plan.folder / "index.html", page(plan)
    if file.is_file() and file.read_text("utf-8") == text:
        return file
    write_text(file, text)
    return file


def page(plan: Plan) -> str:
    """The page as HTML."""
    title = escape(plan.lecture.title)
    items = {item.video: item for item in plan.items}.values()
    figures = "\n".join(_figure(plan, item) for item in items if item.video.is_file())
    sheet = plan.folder / "contact-sheet.png"
    links = [_link(plan, file, name) for file, name in [(sheet, "Contact sheet")] if file.is_file()]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{_film(plan)}
<h2>Clips</h2>
<div class="clips">
{figures}
</div>
<footer>{" · ".join([*links, "Made with diffrender"])}</footer>
<script>{SCRIPT if plan.film else ""}</script>
</body>
</html>
"""


def _film(plan: Plan) -> str:
    """The film with its chapters beside it, or nothing if it was not made."""
    if plan.film is None or not plan.film.out.is_file():
        return ""
    film = plan.film.out
    first = plan.poster(plan.items[0])
    poster = f' poster="{_url(plan, first)}"' if first.is_file() else ""
    lines = [f'<li><button data-start="{start:.3f}">{_clock(start)}<span>{escape(name)}</span></button></li>'
             for start, name in _chapters(film)]  # fmt: skip
    chapters = f'<ol class="chapters">{"".join(lines)}</ol>' if lines else ""
    links = [_link(plan, file, file.suffix[1:]) for file in (film, *plan.film.extra_outputs) if file.is_file()]
    return f"""<div class="film">
<div><video id="film" controls preload="metadata"{poster} src="{_url(plan, film)}">{_track(film)}</video>
<p>{" · ".join(links)}</p></div>
{chapters}
</div>"""


def _chapters(film: Path) -> list[tuple[float, str]]:
    """(seconds, name) of each chapter in a film."""
    import av

    with av.open(str(film)) as container:
        chapters = container.chapters()
    return [(float(c["start"] * c["time_base"]), c["metadata"].get("title", "")) for c in chapters]


def _track(film: Path) -> str:
    """Subtitles inside the page: from disk, a browser would not load them from a file of their own."""
    file = film.with_suffix(".vtt")
    if not file.is_file() or "-->" not in (text := file.read_text("utf-8")):
        return ""
    data = base64.b64encode(text.encode()).decode()
    return f'<track kind="captions" srclang="en" label="Captions" src="data:text/vtt;base64,{data}">'


def _figure(plan: Plan, item: Item) -> str:
    poster = plan.poster(item)
    shown = f' poster="{_url(plan, poster)}"' if poster.is_file() else ""
    gif = plan.folder / "gifs" / f"{item.name}.gif"
    links = [_link(plan, file, file.suffix[1:]) for file in (item.video, gif) if file.is_file()]
    caption = escape(item.entry.caption)
    return f"""<figure>
<video controls preload="{"none" if shown else "metadata"}"{shown} src="{_url(plan, item.video)}"></video>
<figcaption>{escape(item.entry.chapter)} · {" · ".join(links)}<p>{caption}</p></figcaption>
</figure>"""


def _link(plan: Plan, file: Path, name: str) -> str:
    return f'<a href="{_url(plan, file)}">{escape(name)}</a>'


def _url(plan: Plan, file: Path) -> str:
    """A file as seen from the page."""
    return quote(os.path.relpath(file, plan.folder).replace(os.sep, "/"))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"<time>{minutes}:{rest:02d}</time>"
