"""A title card or a part heading, for lectures."""

from __future__ import annotations

import textwrap

from manim import Create, Line, Write
from pydantic import Field

from diffrender.animation import LINE, MARGIN, FadeInFast, SceneOptions, TrajectoryScene, Typeset, escaped, words

TITLE = {"wide": 0.80, "square": 0.66, "tall": 0.72}  # em of the title
RULE = -0.3  # where the rule lies on every card, so that headings do not jump
LEADING = 1.45  # from one line of a title to the next, in em
WRITE, APPEAR, FADE = 0.8, 0.5, 0.5  # seconds


class Card(TrajectoryScene):
    """A title in the middle, a rule and a line of text under it; a part's number above it."""

    class Options(SceneOptions):
        """Options of `card`."""

        title: str = Field("diffrender", min_length=1)
        text: str = Field("", description="the smaller words under the title")
        part: int = Field(0, ge=0, description="number of the part; 0 for none")
        seconds: float = Field(4.0, ge=1, le=600, description="from the first frame to the last")

    def construct(self) -> None:
        """The title is written, the rest appears; it stands; it fades."""
        options, page, theme = self.options, self.page, self.theme
        title_em, text_em = TITLE[page.shape], page.em("equation") * 0.8
        title = self.lines(options.title, title_em, theme.fg)
        text = self.lines(options.text, text_em, theme.muted) if options.text else []
        y = RULE + 0.62 + (len(title) - 1) * title_em * LEADING
        above = [page.label(f"Part {options.part}", 0, y + title_em * 1.6, 0, color="muted")] if options.part else []
        for line in title:
            line.at(0, y, 0)
            y -= title_em * LEADING
        half = min(max(line.width for line in title), 4.4) / 2
        rule = Line([-half, RULE, 0], [half, RULE, 0], stroke_width=LINE * 1.5 * 100)
        rule.set_stroke([theme.data, theme.noise])  # Manim's gradients run from right to left
        y = RULE - 0.46 - text_em * 0.6
        for line in text:
            line.at(0, y, 0)
            y -= text_em * LEADING
        self.play(*(Write(line, run_time=WRITE) for line in title), Create(rule, run_time=WRITE))
        if above or text:
            self.play(FadeInFast(*above, *text, run_time=APPEAR))
        self.outro(max(options.seconds - WRITE - FADE - (APPEAR if above or text else 0), 1 / 60))

    def lines(self, text: str, em: float, color: str) -> list[Typeset]:
        """The text on as few lines as fit between the margins, about equally long."""
        room, longest = self.page.frame.width - 2 * MARGIN, max(map(len, text.split()))
        for count in range(1, len(text.split()) + 1):
            parts = textwrap.wrap(text, max(longest, -(-len(text) // count)), break_long_words=False)
            found = [words(escaped(part), em, color) for part in parts]
            if max(line.width for line in found) <= room:
                return found
        return found
