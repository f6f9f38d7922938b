"""What files say of themselves reaches a terminal without the codes by which it is controlled."""

import json

import pytest

from diffrender.cli.commands.inspect import _show
from diffrender.cli.messages import say
from diffrender.core.terminal import printable
from diffrender.jobs.run.progress import write
from diffrender.lecture.report import table

EVIL = "red\x1b[31m title\x1b]0;mine\x07 \x9b2J\r over \u202egnp.exe"


def test_controls_are_written_out():
    said = printable(EVIL)
    assert said == r"red\x1b[31m title\x1b]0;mine\x07 \x9b2J\r over \u202egnp.exe"
    assert printable("α → β\n\tᾱ_t = ½, 漢字, e\u0301") == "α → β\n\tᾱ_t = ½, 漢字, e\u0301"
    assert json.dumps(EVIL).count("\\u") >= 5, "and JSON escapes them by itself"


@pytest.mark.parametrize(
    "show", [say, write, lambda text: print(table([("what",), (text,)])), lambda text: _show(text, {text: text})]
)
def test_what_is_printed_holds_none(capfd, show):
    show(EVIL)
    said = "".join(capfd.readouterr())
    assert "mine" in said
    assert not set(said) & set("\x1b\x07\x9b\r\u202e")


def test_the_control(capfd):
    """Printed as it is, the same text holds them all."""
    print(EVIL)
    assert set("\x1b\x07\x9b\r\u202e") <= set(capfd.readouterr().out)
