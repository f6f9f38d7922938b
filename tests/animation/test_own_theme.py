"""Themes of one's own: colours by meaning over a base, refused where they are none, and warned about where weak."""

import numpy as np
import pytest

from diffrender.animation.colors import srgb
from diffrender.animation.own_theme import theme_of, weak_contrasts
from diffrender.animation.theme import THEMES
from diffrender.config.theme_file import read_theme
from diffrender.core import notes
from diffrender.core.errors import UsageError
from diffrender.lecture import file as lectures
from diffrender.video.settings import RenderSettings

BLUE_BOARD = 'base: dark\nbg: "#0B1220"\npanel: "#0F1A2C"\ndata: "#7FD1FF"\nnoise: "#FFB35C"\n'


def written(folder, text, name="board.yaml"):
    (folder / name).write_text(text)
    return str(folder / name)


def test_what_is_given_goes_over_the_base_and_tables_begin_at_the_new_panel(tmp_path):
    look, base = theme_of(read_theme(written(tmp_path, BLUE_BOARD))), THEMES["dark"]
    assert (look.name, look.bg, look.score, look.data) == ("board", "#0B1220", "#7FD1FF", "#7FD1FF")
    assert (look.fg, look.reject, look.faint) == (base.fg, base.reject, base.faint)
    assert (look.table("density")[0] == np.rint(srgb("#0F1A2C") * 255)).all()
    assert look.density[1:] == base.density[1:]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('bgg: "#000000"', "unknown key 'bgg'"),
        ("bg: red", r"board.yaml: bg"),
        ("base: dusk", "base: must be 'dark' or 'light'"),
        ('classes: ["#000000"]', "classes: at least 10"),
    ],
)
def test_what_is_no_theme_is_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        RenderSettings.of(theme=written(tmp_path, text))


def test_a_name_that_is_none_names_the_known_ones():
    with pytest.raises(UsageError, match=r"--theme dusk: no such theme") as caught:
        RenderSettings.of(theme="dusk")
    assert "dark, light" in str(caught.value)
    with pytest.raises(UsageError, match="no such file"):
        RenderSettings.of(theme="nowhere.yaml")


@pytest.mark.parametrize("name", THEMES)
def test_the_shipped_themes_can_be_read(name):
    assert weak_contrasts(THEMES[name]) == []


def test_weak_colours_are_warned_about_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(notes, "SAID", set())
    notes.LOGGER.propagate = True
    weak = written(tmp_path, BLUE_BOARD + 'muted: "#5A6B7C"\n', "weak.yaml")
    for _ in range(2):
        RenderSettings.of(theme=weak)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["Theme 'weak': muted #5A6B7C on panel #0F1A2C: 3.18 : 1, text need 4.5 : 1."]
    RenderSettings.of(theme=written(tmp_path, BLUE_BOARD))
    assert len(caplog.records) == 1, "the control: of readable colours nothing is said"


def test_a_lecture_names_a_theme_beside_it_or_has_its_colours_itself(tmp_path):
    written(tmp_path, BLUE_BOARD)
    for theme, name in (("board.yaml", "board"), ('{base: light, data: "#004488"}', "own")):
        file = written(tmp_path, f"title: T\ndefaults: {{theme: {theme}}}\nentries: [{{card: A}}]\n", "lecture.yaml")
        settings = lectures.load(tmp_path / file).defaults.settings()
        assert settings.theme.name == name
    assert settings.theme.data == "#004488"


def test_a_lectures_resolution_is_exact(tmp_path):
    file = written(tmp_path, 'title: T\ndefaults: {resolution: "1024,768"}\nentries: [{card: A}]\n', "lecture.yaml")
    assert lectures.load(tmp_path / file).defaults.settings().size() == (1024, 768, 60)
