"""The parts of a step of BAOAB, under the window: a letter and a word for each, lit while it is done."""

from __future__ import annotations

from collections.abc import Mapping

from manim import VGroup

from diffrender.animation.animations import OpacityScale
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import MOVING_TEXT, Page
from diffrender.animation.mobjects.furniture.panels import line
from diffrender.animation.parts.zoom.path_window import after

# what is done, in order: its stage of the window, the scene's word for it, and its colour
PARTS = (
    ("kick", "half_a_kick", "score"), ("drift", "half_a_drift", "accept"), ("friction", "slowed", "reject"),
    ("noise", "noise", "noise"), ("drift_on", "half_a_drift", "accept"), ("kick_on", "half_a_kick", "score"),
)  # fmt: skip
LETTERS = (("B", (0,)), ("A", (1,)), ("O", (2, 3)), ("A", (4,)), ("B", (5,)))  # each with the parts it stands for
WAITING = 0.85  # opacity of what is not being done
MARK = 0.12  # em of the line under what is being done
LEAST_GAP = 0.45  # between words, in em
SWITCH = 0.08  # of a stage, in which the word before goes, and then its own comes
PAD = 0.18  # at its sides
LINES = 3.3  # height of the strip, in em of the legend


def splitting_parted(page: Page, window: Box) -> tuple[Box, Box]:
    """A window and, at its foot, the strip in which the parts of its steps are named."""
    middle = window.bottom + LINES * page.em("legend")
    return window._replace(bottom=middle), window._replace(top=middle).inset(PAD, 0)


class Splitting(VGroup):
    """The letters B A O A B over what each does. words: `half_a_kick`, `half_a_drift`, `slowed` and `noise`.

    Where the strip is too narrow for all words, each stands alone under its letter while it is done.
    """

    def __init__(self, page: Page, strip: Box, words: Mapping[str, str]) -> None:
        em = page.em("legend")
        said = [page.words(words[word].split("|")[0], "legend", color) for _, word, color in PARTS]
        letters = [page.words(f"$upright({letter})$", "label") for letter, _ in LETTERS]
        low = strip.bottom + 0.5 * em
        gap = (strip.width - sum(text.width for text in said)) / (len(said) - 1)
        self.waiting = WAITING if gap > LEAST_GAP * em else 0.0
        places, left = [], strip.left
        for text in said:
            places.append(left + text.width / 2)
            left += text.width + gap
        for k, (letter, (_, owns)) in enumerate(zip(letters, LETTERS, strict=True)):
            x = sum(places[own] for own in owns) / len(owns)
            if not self.waiting:
                x = strip.left + (k + 0.5) / len(letters) * strip.width
                for own in owns:
                    half = said[own].width / 2
                    places[own] = min(max(x, strip.left + half), strip.right - half)
            letter.at(x, low + 1.35 * em, 0)
        for text, x in zip(said, places, strict=True):
            text.at(x, low, 0)
        y = low - 0.32 * em
        ends = ((text.get_left()[0], text.get_right()[0]) for text in said)
        marks = [
            line([(a, y), (b, y)], page.theme.color(color), MARK * em)
            for (a, b), (_, _, color) in zip(ends, PARTS, strict=True)
        ]
        super().__init__(*letters, *said, *marks)
        self.set_z_index(MOVING_TEXT)
        self.lit = [OpacityScale(text) for text in said]
        self.marks = [OpacityScale(mark) for mark in marks]
        self.letters = [OpacityScale(letter) for letter in letters]

    def show(self, step: int, done: Mapping[str, float]) -> None:
        """Light the part that is done now; none, where a step is not taken apart."""
        order = [stage for stage, _, _ in PARTS]
        lights = [0.0] * len(order)
        if order[0] in done:  # one goes before the next comes
            ends = zip(order, [*order[1:], "glide"], strict=True)
            lights = [after(done[a], SWITCH, 2 * SWITCH) * (1 - after(done[b], 0, SWITCH)) for a, b in ends]
        for strength, light in zip(self.lit, lights, strict=True):
            strength.set(self.waiting + (1 - self.waiting) * light)
        for strength, light in zip(self.marks, lights, strict=True):
            strength.set(light)
        for strength, (_, owns) in zip(self.letters, LETTERS, strict=True):
            strength.set(WAITING + (1 - WAITING) * max(lights[k] for k in owns))
