"""The voice: symbols in words, sentences, sound files that tell when each is said, and acts that wait for it."""

from itertools import pairwise

import numpy as np
import pytest

from diffrender.core import provenance
from diffrender.core.errors import ConfigError, MissingToolError, RenderError, UsageError
from diffrender.video import frames
from diffrender.video.acts import Acts
from diffrender.video.film import sound
from diffrender.video.voice import speakers, speech
from diffrender.video.voice.spelling import spelled, symbols
from tests.video.test_frames import TOYS

RATE = 16_000


def hum(text, *, pitch=200.0, quiet=0.2):
    """A twentieth of a second for each letter, with silence before and after."""
    t = np.arange(len(text) * RATE // 20) / RATE
    silence = np.zeros(round(quiet * RATE))
    return np.concatenate([silence, 0.3 * np.sin(2 * np.pi * pitch * t), silence]), RATE


# ---- spelling --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("x̂_0 is σ_t² ε̂ at ᾱ_t = 0.19.", "x hat 0 is sigma t squared epsilon hat at alpha bar t equals 0.19."),
        ("So ∇ log p → 0!", "So the gradient of log p goes to 0!"),
        ("DDIM, not DDIMs.", "D D I M, not DDIMs."),
        ("It’s 50 % off: $5 (or “less”)…", "It’s 50 % off: $5 (or “less”)…"),
    ],
)
def test_symbols_are_spoken_in_words(written, spoken):
    assert spelled(written, "en", {"DDIM": "D D I M"}) == spoken


@pytest.mark.parametrize(
    ("text", "named"),
    [("$x$ falls", "'$'"), ("p(x|y)", "'|'"), ("x_{t+1}", "'{' '}'"), ("ℒ is small", "'ℒ'"), ("a ☃", "'☃'")],
)
def test_what_cannot_be_spoken_is_refused_with_how_to_spell_it(text, named):
    with pytest.raises(UsageError) as caught:
        spelled(text, "en", {})
    assert caught.value.problem.startswith(named)
    assert "voice: {spell:" in caught.value.remedy
    assert spelled(text, "en", dict.fromkeys("$|{}ℒ☃", "this")), "spelled in the file, it is spoken"


def test_letters_that_a_voice_has_no_sound_for_are_refused_by_that_voice():
    assert spelled("Schrödinger", "en", {}, letters="ö") == "Schrödinger"
    with pytest.raises(UsageError, match="'拡' '散'"):
        spelled("拡散", "en", {}, letters="ö")
    assert spelled("拡散、ᾱ。", "ja", {}) == "拡散、 アルファバー 。"


def test_every_language_spells_the_same_symbols():
    assert {*symbols("en")} - {"←"} == {*symbols("de")} - {"←"} == {*symbols("ja")}
    for language in ("en", "de", "ja"):
        for symbol in symbols(language):
            assert spelled(f"x{symbol}", language, {})


# ---- speech ----------------------------------------------------------------------------------------------------------
def test_abbreviations_end_no_sentence():
    text = "See e.g. Dr. Who, or Fig. 3. It is 0.5!  Is it?\nYes… “No.” 終わり。次。"
    assert speech.sentences(text) == [
        *("See e.g. Dr. Who, or Fig. 3.", "It is 0.5!", "Is it?", "Yes…", "“No.”", "終わり。", "次。")
    ]


def said(folder, *written, speaker=hum, name="said.flac", **parameters):
    file = folder / name
    speech.speak(written, written, speaker, parameters, file, {"key": "0" * 64, "kind": "speech"})
    return file


def test_a_spoken_file_tells_when_each_sentence_is_heard(tmp_path):
    file = said(tmp_path, "Ten letters.", "Then twenty letters.")
    first, second = speech.cues_of(file)
    edges = 2 * speech.EDGE_SECONDS
    assert first == (0, pytest.approx(12 / 20 + edges, abs=0.01), "Ten letters.")
    assert second[0] == pytest.approx(first[1] + speech.BETWEEN_SECONDS, abs=0.002)
    assert second[1] == pytest.approx(sound.length(file), abs=0.002)
    loud = np.abs(np.concatenate([block[0] for block in sound._decoded(file)])) > 0.01
    assert loud[: round(0.05 * sound.SAMPLE_RATE)].any(), "silence before it is cut"
    assert provenance.read(file)["kind"] == "speech"


def test_the_same_text_is_the_same_bytes(tmp_path):
    one, two = said(tmp_path, "Same."), said(tmp_path, "Same.", name="again.flac")
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != said(tmp_path, "Same.", name="lower.flac", pitch=150.0).read_bytes()


def test_a_long_sentence_is_cut_into_lines_between_words():
    text = " ".join(["word"] * 40)
    cues = speech.in_lines(text, 1.0, 5.0)
    assert " ".join(words for _, _, words in cues) == text
    assert max(len(words) for _, _, words in cues) <= speech.CUE_LETTERS
    assert (cues[0][0], cues[-1][1]) == (1.0, 5.0)
    assert all(a[1] == b[0] for a, b in pairwise(cues))


@pytest.mark.parametrize(
    ("speaker", "problem"),
    [
        (lambda text: (np.zeros(9000), RATE), "made no sound of 'Hi.'"),
        (lambda text: (np.ones((2, 9000)), RATE), r"shape \(2, 9000\)"),
        (lambda text: (np.full(9000, np.nan), RATE), "shape"),
        (lambda text: (np.ones(9000), 10), "at 10 samples"),
        (lambda text: 1 / 0, "failed at 'Hi.' .ZeroDivisionError"),
    ],
)
def test_a_voice_that_gives_no_sound_is_named_with_its_sentence(tmp_path, speaker, problem):
    with pytest.raises(RenderError, match=problem):
        said(tmp_path, "Hi.", speaker=speaker)
    assert list(tmp_path.iterdir()) == []


def test_without_hibari_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(speakers, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=r"\[voice\]"):
        speakers.check_speaker("hibari", "en")
    with pytest.raises(UsageError, match="hibari speaks en, not 'de'"):
        speakers.check_speaker("hibari", "de")
    assert speakers.check_speaker("./mine.py:speak", "de") == ""


def test_keys_of_a_voice_are_checked():
    assert speakers.check_parameters("hibari", {"speed": 1.5}, "en")[1] == {"speed": 1.5}
    for wrong, key in (({"speed": 9}, "voice.speed"), ({"sped": 1}, "voice.sped")):
        with pytest.raises(ConfigError, match=key):
            speakers.check_parameters("hibari", wrong, "en")


def test_hibari_says_the_same_in_the_same_bytes_and_has_a_sound_for_each_of_its_letters(tmp_path):
    pytest.importorskip("hibari")
    text = "Diffusion models turn noise into data."
    one, two = (said(tmp_path, text, speaker=speakers.hibari, name=f"{k}.flac") for k in "ab")
    assert one.read_bytes() == two.read_bytes()
    assert 1.5 < sound.length(one) < 4
    known = speakers._hibari().g2p.oov.cin
    assert [letter for letter in speakers.LATIN if letter not in known] == []
    assert "ᾱ" not in known
    assert speakers._hibari().phonemize("ᾱ") == [], "the control: this one it drops"


# ---- acts ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def settings(tmp_path):
    return frames.manim_config(64, 36, 10, transparent=False, media=tmp_path)


def played(settings, windows=(), **rules):
    """(Acts, pictures, frames) of the toy scene of three acts."""
    acts, pictures = Acts(**rules), []
    scene = frames.load_scene(TOYS, "ThreeActs")
    keep = lambda pixels, repeat: pictures.extend([pixels.copy()] * repeat)  # noqa: E731
    went = frames.draw(lambda renderer: scene(renderer=renderer), settings, windows, keep, acts=acts)
    return acts, pictures, went


def test_an_act_lasts_until_what_is_said_in_it_was_heard(settings):
    plain, pictures, length = played(settings, [(0, 24)])
    assert plain.begun == [(0, ""), (8, "second"), (16, "third")]
    assert (plain.rests, plain.said, length) == ([], {}, 24)
    acts, slow, longer = played(settings, [(0, 99)], spoken={"intro": 2.05, "third": 1.5})
    assert acts.said == {"intro": 0, "third": 35}
    assert acts.begun == [(0, ""), (24, "second"), (35, "third")]  # 21 frames said and 3 of rest; 8 and 3
    assert acts.rests == [21, 32]
    assert longer == 35 + 15 + 3
    kept = [*slow[:8], *slow[24:32], *slow[35:43]]
    assert all(np.array_equal(a, b) for a, b in zip(kept, pictures, strict=True))
    assert all(np.array_equal(frame, slow[8]) for frame in slow[8:24]), "it stands"
    assert not np.array_equal(slow[8], slow[7]), "as the motion left it"


def test_a_pause_stands_between_acts(settings):
    acts, _, length = played(settings, pause=1.0)
    assert (acts.begun, acts.rests, length) == ([(0, ""), (18, "second"), (36, "third")], [8, 26], 44)


def test_frames_that_stand_do_not_depend_on_the_window_they_are_drawn_in(settings):
    rules = {"spoken": {"intro": 2.05, "third": 1.5}}
    whole = played(settings, [(0, 99)], **rules)[1]
    for window in ((10, 12), (22, 26), (50, 53)):
        part = played(settings, [window], **rules)[1]
        assert len(part) == window[1] - window[0]
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[slice(*window)], strict=True))
