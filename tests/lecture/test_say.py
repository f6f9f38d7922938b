"""Lectures that speak: acts begin with their sentences, subtitles say the same, what cannot be is found before."""

import itertools

import av
import numpy as np
import pytest
import srt

from diffrender.core import provenance
from diffrender.core.errors import ConfigError, MissingToolError, UsageError
from diffrender.jobs.run.check import check_before_start
from diffrender.lecture import file as lecture_file
from diffrender.lecture.batch import Batch
from diffrender.lecture.plan import plan
from diffrender.video.film import sound
from diffrender.video.voice import speakers

VOICE = '''"""A voice that hums."""
import numpy as np

def speak(text: str, *, pitch: float = 200.0, lang: str = "") -> tuple[np.ndarray, int]:
    """A twentieth of a second for each letter."""
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(len(text) * 800) / 16_000), 16_000
'''
SCENE = '''"""Acts."""
from manim import RIGHT, Scene, Square

class Acts(Scene):
    """Three acts of a second each."""

    def construct(self):
        square = Square(fill_opacity=0.5)
        for k in range(3):
            if k == 1:
                self.next_section("second")
            if k == 2:
                self.next_section(name="third")
            self.play(square.animate.shift(RIGHT), run_time=1)
'''
HEAD = """\
title: It speaks
defaults: {resolution: "64,36", fps: 10}
outputs: {posters: false, contact_sheet: false, index: false}
"""
SAID = {
    "intro": "σ_t falls, and this sentence is longer than its act. So it waits.",
    "third": "At the end it stands until this was said.",
}
WITHIN = 0.1  # seconds between an act and its sentence


@pytest.fixture
def hall(tmp_path, monkeypatch):
    """A folder with a voice, a scene of three acts, and `write(entries, voice)` for a lecture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFFRENDER_TRUST", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "voice.py").write_text(VOICE)
    (tmp_path / "acts.py").write_text(SCENE)

    def write(*entries, voice="{kind: ./voice.py:speak}", head=HEAD):
        lines = "".join(f"  - {entry}\n" for entry in entries)
        (tmp_path / "talk.yaml").write_text(f"{head}voice: {voice}\nentries:\n{lines}")
        return planned(tmp_path)

    return write


def planned(folder):
    return plan(lecture_file.load(folder / "talk.yaml"), folder / "outputs")


def onsets(file):
    """The seconds at which something is heard after a quarter of a second of silence, or at the start."""
    loud = np.abs(np.concatenate([block[0] for block in sound._decoded(file)])) > 0.02
    times = np.flatnonzero(loud) / sound.SAMPLE_RATE
    return [float(b) for a, b in itertools.pairwise([-1.0, *times]) if b - a > 0.24]


def test_acts_begin_with_their_sentences_and_last_until_they_were_said(hall, tmp_path):
    made = hall("{scene: acts.py, say: " + str(SAID) + "}", "{scene: acts.py, say: All of it.}")
    outcomes = Batch.of(made, tmp_path / "outputs").run(workers=1, on_event=lambda job, event: None)
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    spoken, silent = (item.video for item in made.items)
    about = provenance.read(spoken)
    fps, (_, second, third) = 10, (first for first, _ in about["acts"])
    sentences = SAID["intro"].replace("σ_t", "sigma t").replace("act. ", "act.|").split("|")
    lengths = [len(words) / 20 + 0.04 for words in sentences]
    expected = [0.0, lengths[0] + 0.25, third / fps]
    for file in (spoken, made.film.out):
        assert np.abs(np.subtract(onsets(file)[:3], expected)).max() < WITHIN
        assert np.abs(np.subtract(onsets(file)[:3], [0, expected[1], second / fps])).max() > WITHIN, "the control"
    assert second / fps > sum(lengths) + 0.25
    with av.open(str(silent)) as clip:
        assert not clip.streams.audio
    with av.open(str(made.film.out)) as film:
        assert len(onsets(made.film.out)) == 4
        assert film.streams.audio[0].duration
    cues = list(srt.parse(made.film.out.with_suffix(".srt").read_text()))
    assert [cue.content for cue in cues] == [
        *SAID["intro"].replace("act. ", "act.|").split("|"),
        SAID["third"],
        "All of it.",
    ]
    assert np.abs(np.subtract([cue.start.total_seconds() for cue in cues], onsets(made.film.out))).max() < WITHIN
    assert Batch.of(planned(tmp_path), tmp_path / "outputs").todo == [], "equal text is not spoken again"


def test_the_same_words_are_spoken_once_and_others_make_another_clip(hall, tmp_path):
    made = hall(
        "{scene: acts.py, say: {third: Hello.}}", "{card: A, say: Hello.}", "{scene: acts.py, say: {third: Bye.}}"
    )
    speeches = {job.out: job for job in Batch.of(made, tmp_path / "outputs").todo if job.kind == "speak"}
    assert len(speeches) == 2
    assert len({item.name for item in made.items}) == 3
    key = made.items[0].key
    assert hall("{scene: acts.py, say: {third: Hello!}}").items[0].key != key
    assert (
        hall("{scene: acts.py, say: {third: Hello.}}", voice="{kind: ./voice.py:speak, pitch: 150}").items[0].key != key
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{scene: acts.py, say: {thrid: Hi.}}", r"entry 1: 'acts' plays no act 'thrid'.\nDid you mean 'third'\?"),
        ("{scene: acts.py, narration: {four: talk.yaml}}", "entry 1: 'acts' plays no act 'four'"),
        ("{scene: acts.py, say: {third: 'x|y'}}", "entry 1: say: third: '|' cannot be spoken."),
        ("{scene: acts.py, say: '…'}", "entry 1: say: there is nothing in it to be spoken."),
        ("{card: A, say: {intro: Hi.}}", "entry 1: say: this entry has no acts."),
        ("{scene: acts.py, say: Hi., narration: talk.yaml}", "entry 1: say and narration for all of it"),
        ("{scene: acts.py, say: {third: Hi.}, narration: {third: talk.yaml}}", "say and narration for third"),
        ("{scene: acts.py, say: {third: Hi.}, narration: {second: talk.yaml}}", "talk.yaml is not a sound file"),
        ("{scene: acts.py, say: {third: Hi.}, narration: gone.wav}", "entry 1: say and narration for all of it"),
        ("{scene: acts.py, pause: 99}", "pause"),
    ],
)
def test_what_cannot_be_said_is_found_before_anything_is_made(hall, entry, said):
    with pytest.raises(UsageError) as caught:
        hall(entry)
    assert said.replace("\\n", "\n").replace(r"\?", "?") in str(caught.value)


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ("{kind: ./gone.py:speak}", "gone.py: no such file"),
        ("{kind: ./voice.py:hum}", "there is no function 'hum'"),
        ("{kind: ./voice.py:speak, ptich: 3}", "voice.ptich: './voice.py:speak' has no such key"),
        ("{kind: hibarri}", "Unknown voice 'hibarri'.\nDid you mean 'hibari'?"),
        ("{lang: de}", "hibari speaks en, not 'de'"),
    ],
)
def test_a_voice_that_cannot_speak_is_found_before_anything_is_made(hall, tmp_path, voice, said):
    with pytest.raises(UsageError) as caught:
        check_before_start(Batch.of(hall("{card: A, say: Hello.}", voice=voice), tmp_path).todo)
    assert said in str(caught.value)


def test_code_of_a_voice_is_run_only_when_it_is_trusted(hall, monkeypatch):
    made = hall("{card: A, say: Hello.}")
    monkeypatch.delenv("DIFFRENDER_TRUST")
    with pytest.raises(UsageError, match="names Python code, which would be run"):
        check_before_start(Batch.of(made, made.folder).todo)


def test_a_lecture_that_says_nothing_needs_no_voice(hall, monkeypatch):
    monkeypatch.setattr(speakers, "find_spec", lambda name: None)
    hall("{card: A}", voice="{kind: hibari}")
    with pytest.raises(MissingToolError, match=r"entry 1: say: .*hibari-tts"):
        hall("{card: A, say: Hello.}", voice="{kind: hibari}")


def test_a_pause_is_a_switch_or_seconds():
    with pytest.raises(ConfigError, match="pause"):
        lecture_file._entry({"scene": "acts", "pause": -1}, "entry 1")
    assert lecture_file.Clip(scene="acts", pause=True).act_pause == lecture_file.PAUSE_SECONDS
    assert lecture_file.Clip(scene="acts").act_pause == 0


@pytest.mark.slow
def test_the_shipped_lecture_speaks_as_its_acts_begin(tmp_path):
    """With the real voice and real scenes: minutes."""
    pytest.importorskip("hibari")
    shipped = lecture_file.load(lecture_file.find("spoken"), {"resolution": "160,90", "fps": 10})
    made = plan(shipped, tmp_path)
    outcomes = Batch.of(made, tmp_path).run(workers=2, on_event=lambda job, event: None)
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    for item in made.items:
        if isinstance(item.entry.say, dict):
            names = {name or "intro": first / 10 for first, name in provenance.read(item.video)["acts"]}
            heard = np.array(onsets(item.video))
            for act in item.entry.say:
                assert np.abs(heard - names[act]).min() < WITHIN
                assert np.abs(heard - names[act] - 0.2).min() > WITHIN, "the control"
