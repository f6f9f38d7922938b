"""The key of a forward run: what its marks mean, the cloud's in the colours that it goes through."""

from __future__ import annotations

from typing import Any

from diffrender.animation.colors import turned
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import KEY_DOT_WIDTH, key_dot, key_dots, key_line
from diffrender.animation.theme import LINE

LEFT = "$alpha_t x_0$", "$sqrt(macron(alpha)_t) thin x_0$"  # where the variance is not kept, and where it is
UNIT = 0.01  # off 1, within which a deviation is written as 1


def forward_keys(page: Page, width: float, *, hero: bool, kept: bool, deviation: float) -> list[Any]:
    """Items of a legend of that width, in two lines of it.

    hero: whether a point is followed. kept: whether the variance is. deviation: of the noise in the end.
    """
    theme, wide = page.theme, page.shape == "wide"
    hues = theme.data, turned(theme.data, theme.samples, 0.5), theme.samples
    items: list[Any] = [
        (key_dot(theme.data, radius=0.055), 0.12, LEFT[kept]),
        (key_dots(*hues), 0.55, "$x_t$, data to noise" if wide else "$x_t$"),
    ]
    forms = "one: each step adds noise|one of them|one"  # it wanders
    one = page.fitting(forms, 0.55 * width, "legend") if wide else "one"
    items += [(key_dot(theme.fg), KEY_DOT_WIDTH, one)] if hero else []
    name = "cal(N)(0, 1)" if abs(deviation - 1) < UNIT else "cal(N)(0, sigma_T^2)"
    return [*items, (key_line(theme.fg, width=LINE), 0.4, f"{'bell ' * wide}${name}$")]
