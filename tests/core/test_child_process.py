"""A child process: what it is started with."""

import sys
import tempfile

import pytest

from diffrender.core.child_process import ChildProcess

SAY = "import json, os; print(json.dumps(dict(os.environ)))"


def environment_of_child(environment=None):
    with tempfile.TemporaryFile() as log:
        child = ChildProcess([sys.executable, "-c", SAY], log, environment)
        (answer,) = child.answers()
        child.close()
    return answer


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "KMP_BLOCKTIME"])
def test_threads_of_a_child_sleep_while_they_wait_unless_the_user_says_otherwise(monkeypatch, name):
    """Spinning, they cost as much again as the work: 53 CPU seconds for a film that takes 25."""
    monkeypatch.delenv(name, raising=False)
    assert environment_of_child()[name] in ("PASSIVE", "0")
    assert environment_of_child({"PATH": ""})[name] in ("PASSIVE", "0")
    monkeypatch.setenv(name, "mine")
    assert environment_of_child()[name] == "mine"
