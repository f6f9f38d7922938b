"""Other languages on screen: every shipped line has its entry, and what a catalogue cannot be is refused."""

from __future__ import annotations

import re

import pytest

from diffrender.animation.text.language import THIN, Language, own, speak
from diffrender.animation.text.numbers import Number, Running
from diffrender.animation.text.typst import escaped, words
from diffrender.config import catalogue
from diffrender.config.catalogue import (
    NUMBER,
    check_catalogue,
    find_catalogue,
    languages,
    read_catalogue,
    shipped_lines,
)
from diffrender.config.find import configs, scenes
from diffrender.config.scene_card import read_scenes
from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError, UsageError
from diffrender.core.glyphs import missing_glyphs
from diffrender.jobs.plan.clip import clip
from diffrender.video.settings import RenderSettings

SHIPPED = languages()
FORM = re.compile(r"(?:\$[^$]*\$|[^|$])+")  # bars in mathematics part nothing
LINES = {NUMBER: "1 000,5", "step {} of {}": "Schritt {} von {}", "left: {}": "links: {}", "noise": "Rauschen"}


@pytest.fixture
def german():
    speak(Language(LINES))
    yield
    speak(Language())


def lines_of_scenes():
    """What scenes declare that they say: each form of each word, its fields filled with a number; titles of configs."""
    cards = [card for file in scenes().values() for card in read_scenes(file)]
    forms = {form for card in cards for text in card.words.values() for form in FORM.findall(text)}
    titles = {str(read_yaml(file).get("title", "")) for file in configs().values()} - {""}
    return {re.sub(r"\{[^}]*\}", "7", form) for form in forms} | {escaped(title) for title in titles}


def unsaid(said, lines):
    speech = Language(said)
    for line in lines:
        speech.line(line)
    return speech.unsaid


@pytest.mark.parametrize("lang", SHIPPED)
def test_every_word_that_a_scene_declares_is_said(lang):
    said = read_catalogue(SHIPPED[lang])
    assert unsaid(said, lines_of_scenes()) == set()
    spoilt = {line: text for line, text in said.items() if line != "Stuck on a top"}
    assert unsaid(spoilt, lines_of_scenes()) == {"Stuck on a top"}


@pytest.mark.parametrize("lang", SHIPPED)
def test_a_shipped_language_has_every_line_and_its_glyphs(lang):
    said = read_catalogue(SHIPPED[lang])
    assert set(said) == shipped_lines()
    used = sorted(set("".join(said.values())))
    parts = ["".join(used[k : k + 200]) for k in range(0, len(used), 200)]
    assert [c for part in parts for c in missing_glyphs(part)] == []
    assert missing_glyphs(parts[-1] + "龘") == ["龘"]


def test_a_line_is_found_by_its_fields_and_numbers_are_written_as_the_language_does():
    speech = Language(LINES)
    assert speech.line("step 1,200 of 12,000") == f"Schritt 1{THIN}200 von 12{THIN}000"
    assert speech.line("left: noise") == "links: Rauschen"
    assert speech.line("left: DDPM") == "links: DDPM"
    assert speech.line("$(0.31, -0.52)$ at 2.5") == '$("0,31"; -"0,52")$ at 2,5'
    assert speech.equation('x_0.5 + "noise"') == 'x_"0,5" + "Rauschen"'
    assert Language().line("step 1,200 of 12,000") == "step 1,200 of 12,000"
    assert speech.unsaid == {"DDPM", "$(0.31, -0.52)$ at 2.5"}


def test_words_of_the_users_own_stay(german):
    assert words("noise", 1, "#FFFFFF").body.endswith("Rauschen")
    assert words(own("noise"), 1, "#FFFFFF").body.endswith("noise")
    assert own("a|b {}").split("|") == [own("a"), own("b {}")]


def test_numbers_run_in_their_places(german):
    line = Running("step {:,} of {:.1f}", [12000, 2.5], em=1.0, color="#FFFFFF")
    assert line.line.body.count("Schritt") == 1
    here, blank = Number(",.1f", 12000, em=1.0, color="#FFFFFF"), len("12000,0")
    assert len(here.ends) == blank + 1  # the thin space is an outline of no points
    width = here.room
    speak(Language())
    assert width < Number(",.1f", 12000, em=1.0, color="#FFFFFF").room


def written(tmp_path, text):
    file = tmp_path / "fr.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"noize": "bruit"', "'noize': no scene says this"),
        ('"step {} of {}": "pas {}"', "'step {} of {}': 2 of {} must stand in its text, not 1"),
        ('"noise": 3', "'noise': text is needed, not 3"),
        ('"1,000.5": "mille"', "'1,000.5': a number is written with blanks, commas and points"),
        ('"noise": "bruit"\n"noise": "son"', "line 2: key 'noise' stands twice"),
    ],
)
def test_a_catalogue_of_ones_own_is_refused_before_anything_is_made(tmp_path, text, problem):
    file = written(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(problem)) as found:
        clip("denoise", settings=RenderSettings.of(lang=str(file)))
    assert str(file) in str(found.value)


def test_what_it_leaves_out_stays_english_and_is_said(tmp_path, monkeypatch):
    notes = []
    monkeypatch.setattr(catalogue, "note", notes.append)
    file = written(tmp_path, '"noise": "bruit"\n"my own line": "ma ligne"')
    check_catalogue(file, {"my own line"})
    assert len(notes) == 1
    assert f"{len(shipped_lines()) - 1:,} of {len(shipped_lines()):,}" in notes[0]
    notes.clear()
    check_catalogue(SHIPPED["de"])
    assert notes == []


def test_a_language_is_a_code_or_a_file():
    assert find_catalogue("en") is None
    assert find_catalogue("ja") == SHIPPED["ja"]
    with pytest.raises(UsageError, match="--lang dee: no such language"):
        find_catalogue("dee")
    with pytest.raises(UsageError, match="no such file"):
        find_catalogue("./missing.yaml")


def test_a_clip_in_another_language_is_another_file(tmp_path):
    job, german = (clip("denoise", settings=RenderSettings.of(lang=lang)) for lang in ("en", "de"))
    assert german.out.name == "denoise-de.mp4"
    assert german.inputs["catalogue"] == SHIPPED["de"]
    assert job.key != german.key
    assert "catalogue" not in job.inputs
