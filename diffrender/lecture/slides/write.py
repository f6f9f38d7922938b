"""Every kind of slides of a lecture whose clips are made: what each needs, and the files it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from diffrender.core.errors import MissingToolError
from diffrender.lecture.plan import Plan
from diffrender.lecture.slides.slide import Slide, slides_of


def check(kinds: Sequence[str]) -> None:
    """MissingToolError if a kind needs a package that is not installed."""
    if "pptx" in kinds and find_spec("pptx") is None:
        raise MissingToolError("PowerPoint files need python-pptx.", "In the checkout: pip install -e '.[slides]'")


def write(plan: Plan, kinds: Sequence[str], *, embed: bool, notice: Callable[[str], None]) -> list[Path]:
    """Write these kinds of slides into the lecture's folder; their files. notice: told what takes a while."""
    slides, title, folder = slides_of(plan), plan.lecture.title, plan.folder
    made = []
    for kind in kinds:
        if kind == "html":
            from diffrender.lecture.slides.deck import write_deck

            made.append(write_deck(title, slides, folder / "slides.html", embed=embed))
        elif kind == "pdf":
            from diffrender.lecture.slides.handout import write_handout

            made.append(write_handout(title, slides, folder / "handout.pdf"))
        elif kind == "pptx":
            from diffrender.lecture.slides.powerpoint import write_powerpoint

            made.append(write_powerpoint(title, slides, _pieces(plan, slides, notice), folder / "slides.pptx"))
        else:
            from diffrender.lecture.slides.manim_slides import write_manim_slides

            file = folder / "slides" / f"{plan.lecture.name}.json"
            made.append(write_manim_slides(slides, _pieces(plan, slides, notice), file))
    return made


def _pieces(plan: Plan, slides: Sequence[Slide], notice: Callable[[str], None]) -> list[list[Path]]:
    """The acts of each slide as files of their own; those that are there already are not made again."""
    from diffrender.lecture.slides.pieces import pieces_of

    notice("Clips are cut into their acts.")
    return [pieces_of(slide, plan.folder / "acts", plan.lecture.defaults.encode) for slide in slides]
