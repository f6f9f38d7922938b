"""stdout names only what is there; what is wrong is said on stderr, once, with an exit code that is not 0."""

import json

import pytest

from tests import one_process

GOOD = "title: T\noutputs: {posters: false, contact_sheet: false}\nentries:\n"
BROKEN = {
    "an empty video": ("  - video: zero.mp4\n", 2, "zero.mp4"),
    "a video that is not there": ("  - video: none.mp4\n", 2, "none.mp4"),
    "a scene that is not there": ("  - scene: toi\n", 2, "toi"),
    "a clip that fails": ("  - card: One\n  - {scene: toy, options: {fail: 'Mend it.'}}\n", 1, "cannot be drawn"),
    "a clip that crashes": ("  - {scene: toy, options: {crash: 'no such thing'}}\n", 1, "no such thing"),
    "no entries": ("", 2, "entries"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_batch_that_fails_names_no_film(name, lecture_hall):
    entries, code, said = BROKEN[name]
    (lecture_hall / "zero.mp4").touch()
    (lecture_hall / "talk.yaml").write_text(GOOD + entries)
    returncode, out, log = one_process.run("batch", "talk.yaml", cwd=lecture_hall)
    assert (returncode, out) == (code, "")
    assert said in log
    assert "Traceback" not in log


def test_a_batch_names_the_film_that_is_there(program, lecture_hall):
    """The control."""
    (lecture_hall / "talk.yaml").write_text(GOOD + "  - card: One\n")
    out, log = program("batch", "talk.yaml").communicate(timeout=60)
    assert out.strip().endswith("talk.mp4"), log
    assert (lecture_hall / out.strip()).is_file()


@pytest.mark.parametrize(
    "command",
    [
        ["render", "toy", "-O", "fail=x", "--out", "a.mp4"],
        ["render", "toy", "--out", "none/a.mp4"],
        ["sample", "none.csv", "-o", "x.npz"],
        ["train", "none.yaml"],
        ["inspect", "none.npz"],
        ["render", "toy", "-O", "fail=x", "--json"],
    ],
)
def test_a_command_that_fails_says_nothing_on_stdout(command, lecture_hall):
    returncode, out, log = one_process.run(*command, cwd=lecture_hall)
    assert returncode in (1, 2)
    assert out == ""
    assert log.count("Error:") == 1


def test_json_of_what_was_made_is_json(program):
    """The control."""
    out, _ = program("render", "toy", "--out", "a.mp4", "--json").communicate(timeout=60)
    assert json.loads(out)
