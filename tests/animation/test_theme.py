"""Colours can be told apart, by everyone, and text can be read; type sizes keep to the floor."""

import itertools
import re

import numpy as np
import pytest

from diffrender.animation.colors import blend, linear, oklab, srgb
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.text.typst import maths
from diffrender.animation.theme import EDGE, SHORT_SIDE, THEMES, Frame, point_radius, theme
from diffrender.core.errors import UsageError
from diffrender.diffusion.recording.describe import sampler_facts
from diffrender.diffusion.samplers.catalogue import SAMPLERS

# dichromats after Machado et al. 2009, severity 1
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(float(linear(srgb(c)) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def cielab(rgb: np.ndarray, vision: str = "normal") -> np.ndarray:
    light = np.clip(linear(rgb) @ np.array(VISION[vision]).T, 0, 1) @ XYZ.T / [0.95047, 1, 1.08883]
    f = np.where(light > 0.008856, np.cbrt(light), 7.787 * light + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


@pytest.mark.parametrize("name", THEMES)
def test_text_can_be_read_on_the_background_and_on_panels(name):
    look = theme(name)
    for token in ("fg", "muted", "score", "noise", "accept", "reject"):
        assert contrast(look.color(token), look.bg) >= 4.5, token
        assert contrast(look.color(token), look.panel) >= 4.4, token
    assert min(contrast(look.border, look.bg), contrast(look.border, look.panel)) >= 3
    assert min(contrast(color, look.panel) for color in look.magnitude) >= 3


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("vision", VISION)
def test_colours_that_meet_differ_for_everyone(name, vision):
    look = theme(name)
    for a, b in itertools.combinations(("score", "noise", "sum"), 2):
        away = np.linalg.norm(cielab(srgb(look.color(a)), vision) - cielab(srgb(look.color(b)), vision))
        assert away >= 25, (a, b)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("table", ["density", "magnitude", "error"])
def test_tables_run_one_way_from_dark_to_light_or_back(name, table):
    rows = theme(name).table(table)
    lightness = cielab(rows / 255)[:, 0]
    assert rows.shape == (256, 3)
    assert rows.dtype == np.uint8
    assert (np.diff(lightness) > -0.4).all() or (np.diff(lightness) < 0.4).all()
    assert abs(np.diff(lightness[::32])).min() > 3


@pytest.mark.parametrize("name", THEMES)
def test_the_density_table_starts_at_the_panel_and_never_looks_like_the_score(name):
    look = theme(name)
    assert (look.table("density")[0] == np.rint(srgb(look.panel) * 255)).all()
    away = np.linalg.norm(cielab(look.table("density") / 255) - cielab(srgb(look.score)), axis=1)
    assert away.min() >= 18


def test_oklab_is_ottossons_and_blending_ends_at_its_ends():
    assert oklab("#FFFFFF") == pytest.approx([1, 0, 0], abs=1e-4)
    assert oklab("#FF0000") == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-4)
    assert blend("#56B4E9", "#0D1117", 0) == "#56B4E9"
    assert blend("#56B4E9", "#0D1117", 1) == "#0D1117"


def test_a_table_cannot_be_spoilt_for_others():
    with pytest.raises(ValueError, match="read-only"):
        theme("dark").table("density")[0] = 0


def test_an_unknown_theme_names_the_known_ones():
    with pytest.raises(UsageError, match="Unknown theme 'dusk'") as caught:
        theme("dusk")
    assert "dark, light" in str(caught.value)


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(1920, 1080, "wide"), (854, 480, "wide"), (1080, 1920, "tall"), (1080, 1080, "square"), (1440, 1080, "classic")],
)
def test_the_short_side_is_eight_units_and_text_keeps_to_a_fortieth_of_the_height(width, height, shape):
    frame = Frame.of(width, height)
    assert min(frame.width, frame.height) == pytest.approx(SHORT_SIDE)
    assert frame.width / frame.height == pytest.approx(width / height)
    assert frame.shape == shape
    sizes = frame.type
    assert min(sizes.title, sizes.equation, sizes.label, sizes.legend, sizes.caption) >= sizes.floor
    assert sizes.floor >= frame.height / 40 - 1e-3
    assert frame.title_y + sizes.title < frame.height / 2 - EDGE
    assert frame.caption_y - 0.3 * sizes.caption > -frame.height / 2 + EDGE - 0.05


def test_points_shrink_with_their_number_between_sensible_bounds():
    sizes = [point_radius(n, 20) for n in (10, 600, 5000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 0.052
    assert sizes[-1] == 0.0105


TABLEAU = "#1F77B4 #FF7F0E #2CA02C #D62728 #9467BD #8C564B #E377C2 #7F7F7F #BCBD22 #17BECF"


@pytest.mark.parametrize("name", THEMES)
def test_ten_classes_stay_apart_for_everyone(name):
    """The two that are nearest to each other, to the eyes that confuse them most; ten well-known colours do not."""

    def least(colors):
        pairs = list(itertools.combinations([srgb(color) for color in colors], 2))
        return min(np.linalg.norm(cielab(a, v) - cielab(b, v)) for v in VISION for a, b in pairs)

    classes = theme(name).classes
    assert len(classes) == 10
    assert least(classes) >= 10
    assert least(TABLEAU.split()) < 5
    assert min(contrast(color, theme(name).panel) for color in classes) >= 2.4


def test_every_term_that_a_sampler_names_has_a_colour():
    for entry in SAMPLERS:
        for term in re.findall(r" : (\w+)}}", sampler_facts(entry, {"eta": 1.0})["equation"]):
            assert theme("dark").color(term).startswith("#"), (entry.name, term)
    with pytest.raises(AttributeError):
        theme("dark").color("nothing")


def test_a_term_of_a_name_of_ones_own_is_lit_as_text_is():
    look = theme("dark")
    equation = maths("{{x : state}} = {{f : mine}} + {{xi : noise}}", 1.0, look.fg)
    light = Spotlight.by_name(equation, look)
    light.light(dict.fromkeys(equation.terms, 0.5))
    light.light(dict.fromkeys(equation.terms, 1.0))
    lit = {name: glyphs[0].get_fill_color().to_hex() for name, glyphs in equation.terms.items()}
    assert lit == {"state": look.fg, "mine": look.fg, "noise": look.noise}
