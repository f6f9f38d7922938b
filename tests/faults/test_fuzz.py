"""A few hundred inputs made wrongly: each is read or refused in words. `fuzz.py` tries more of them by hand."""

import pytest

from diffrender.core.errors import DiffrenderError

from . import fuzz


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_inputs_made_wrongly_are_read_or_refused(kind):
    (counts,) = fuzz.fuzz([kind], seed=1, count=6 if kind in ("svg", "video") else 20).values()
    assert set(counts) <= {"read", "refused"}
    assert sum(counts.values()) >= 6


def test_the_harness_sees_what_is_wrong(tmp_path, monkeypatch):
    """The control: readers that are wrong in each way."""

    def use(read):
        monkeypatch.setitem(fuzz.KINDS, "npy", ("a.npy", fuzz.npy, read))
        return fuzz.judge("npy", b"", tmp_path)[0]

    def unforeseen(path):
        raise DiffrenderError("x", f"This is a fault: {fuzz.REPORT} it.")

    def runs_code(path):
        fuzz.CANARY.touch()

    def hangs(path):
        while True:
            pass

    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.2)
    assert use(lambda path: 1 / 0) == "traceback"
    assert use(unforeseen) == "unforeseen"
    assert use(runs_code) == "code"
    assert use(hangs) == "slow"
    assert use(lambda path: None) == "read"


def test_seeds_give_the_same_inputs():
    assert fuzz.made("svg", 3, seed=7) == fuzz.made("svg", 3, seed=7)
    assert fuzz.made("svg", 3, seed=7) != fuzz.made("svg", 3, seed=8)
