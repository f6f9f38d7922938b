"""The handout: a PDF with a page for each entry: its last picture, formulas, caption and the command that makes it.

Typst sets it (https://typst.app), with the fonts that it carries. What the lecturer wrote reaches it as data, never as
source, so it is set as it stands; equations are the source that the scenes themselves had set.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from diffrender.core.files import replacing
from diffrender.lecture.slides.slide import Slide
from diffrender.video.film.join import last_frame

SOURCE = """
#let lecture = json(bytes(sys.inputs.lecture))
#set document(title: lecture.title)
#set page(paper: "a4", margin: (x: 2.2cm, y: 2cm), footer: context [
  #set text(size: 9pt, fill: luma(40%))
  #lecture.title #h(1fr) #counter(page).display()
])
#set text(font: "New Computer Modern", size: 11.5pt)
#show math.equation: set text(font: "New Computer Modern Math")
#for (k, entry) in lecture.entries.enumerate() {
  if k > 0 { pagebreak() }
  text(size: 19pt, entry.title)
  v(0.2em)
  if entry.wide { image(entry.picture, width: 100%) } else { align(center, image(entry.picture, height: 52%)) }
  if entry.caption != "" { par(entry.caption) }
  for source in entry.equations { align(center, text(size: 14pt, eval("$ " + source + " $", mode: "markup"))) }
  if entry.notes != "" { block(above: 1.2em, text(fill: luma(25%), entry.notes)) }
  if entry.command != "" {
    v(1fr)
    block(width: 100%, fill: luma(95%), inset: 8pt, radius: 3pt, raw(entry.command))
  }
}
"""


def write_handout(title: str, slides: Sequence[Slide], out: Path) -> Path:
    """Write the PDF, an entry that comes several times once; returns its file."""
    import typst

    unique = {slide.key: slide for slide in slides}.values()
    with TemporaryDirectory() as folder:
        entries = [_entry(slide, k, Path(folder)) for k, slide in enumerate(unique)]
        inputs = {"lecture": json.dumps({"title": title, "entries": entries})}
        compiler = typst.Compiler(SOURCE.encode(), root=folder, sys_inputs=inputs, ignore_system_fonts=True)
        pdf = compiler.compile(format="pdf")
    assert isinstance(pdf, bytes)
    with replacing(out) as file:
        file.write(pdf)
    return out


def _entry(slide: Slide, number: int, folder: Path) -> dict[str, Any]:
    """What Typst is told of a slide, whose last frame is put into `folder`."""
    last_frame(slide.video).to_image().save(folder / f"{number}.png")
    return {
        "title": slide.title,
        "caption": slide.caption,
        "notes": slide.notes,
        "picture": f"/{number}.png",
        "wide": slide.size[0] >= slide.size[1],
        "equations": slide.equations,
        "command": slide.command,
    }
