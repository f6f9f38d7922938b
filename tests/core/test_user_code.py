"""A user's own sampler, target, network and objective, from a Python file that a config names."""

from pathlib import Path

import pytest

from diffrender.core import trust, user_code
from diffrender.core.errors import ConfigError, UsageError
from diffrender.core.registry import Registry

MINE = '''"""Mine."""
from beside import HALF


def circle(n, rng, *, radius: float = 1.0, turns: int = 1):
    """A circle."""


def odd(n, rng, spare, *, radius: float = 1.0):
    """Takes too much."""


VALUE = HALF
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`./mine.py` in the working directory, with a module beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("HALF = 0.5\n")
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


@pytest.mark.parametrize(
    ("name", "code"),
    [("./mine.py:f", True), ("C:\\a\\mine.py:f", True), ("diffusers:DDIM", False), ("ddim", False), ("mine.py", False)],
)
def test_code_is_known_by_its_name(name, code):
    assert user_code.is_code(name) == code


def test_a_function_of_a_file_is_an_entry_like_any_other(mine):
    points = Registry("target", (("n", "rng"),))
    assert "./mine.py:circle" in points
    make, params = points.resolve("./mine.py:circle", {"radius": 2}, "target")
    assert (make.__name__, params) == ("circle", {"radius": 2.0, "turns": 1})
    assert (points["./mine.py:circle"].summary, points["./mine.py:circle"].info["title"]) == ("A circle.", "circle")
    with pytest.raises(ConfigError, match=r"target.raduis: .* has no such key.\nDid you mean 'radius'"):
        points.resolve("./mine.py:circle", {"raduis": 2}, "target")
    with pytest.raises(ConfigError, match=r"target.turns: .*got 'two'"):
        points.resolve("./mine.py:circle", {"turns": "two"}, "target")
    with pytest.raises(ConfigError, match=r"no function 'cirle' in it.\nDid you mean 'circle'"):
        points["./mine.py:cirle"]
    with pytest.raises(ConfigError, match=r"takes \(n, rng, spare\), but a target takes \(n, rng\)"):
        points["./mine.py:odd"]
    with pytest.raises(ConfigError, match="no such Python file"):
        points["./yours.py:circle"]
    assert [entry.name for entry in points] == [], "nothing of it stays in the registry"


def test_a_file_is_imported_once_and_again_when_it_changed(mine):
    first = user_code.load("./mine.py:circle")
    assert user_code.load("./mine.py:circle") is first
    mine.write_text(MINE + "\n# changed\n")
    assert user_code.load("./mine.py:circle") is not first


def test_modules_beside_a_file_are_its_own(mine):
    """Two folders with a module of one name, in one process: as when a lecture takes two configs from elsewhere."""
    (other := mine.parent / "other").mkdir()
    (other / "beside.py").write_text("HALF = 2.0\n")
    (other / "mine.py").write_text(MINE)
    halves = []
    for name in ("./mine.py:circle", "./other/mine.py:circle"):
        halves.append(user_code.load(name).__globals__["VALUE"])
    assert halves == [0.5, 2.0]


def test_a_registered_function_brings_what_it_says_of_itself(mine):
    from diffrender.diffusion.samplers.catalogue import SAMPLERS

    head = "from diffrender.diffusion.samplers.registry import SAMPLERS\n\n"
    body = "(denoise, x, levels, noise):\n    yield\n"
    mine.write_text(f'{head}@SAMPLERS.register("own", kind="reverse", paper="Me")\ndef own{body}\n\ndef bare{body}')
    try:
        assert SAMPLERS["./mine.py:own"].info["paper"] == "Me"
        assert (SAMPLERS["./mine.py:bare"].info["kind"], "paper" in SAMPLERS["./mine.py:bare"].info) == (
            "reverse",
            False,
        )
        assert set(SAMPLERS["./mine.py:bare"].info) >= set(SAMPLERS["ddim"].info) - {"paper"}, (
            "what runs rely on is there"
        )
        mine.write_text(f'{head}@SAMPLERS.register("ddpm", kind="reverse")\ndef own{body}')
        with pytest.raises(ConfigError, match=r"line 3: .*'ddpm': there is one of that name already"):
            SAMPLERS["./mine.py:own"]
    finally:
        SAMPLERS.entries.pop("own"), SAMPLERS.names.pop("own")
    assert SAMPLERS["ddpm"].make.__module__.startswith("diffrender.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n1 / 0\n", "line 2: .*ZeroDivisionError"),
        ("\n\ndef f(:\n", "line 3: .*SyntaxError"),
        ("import no_such\n", "line 1"),
    ],
)
def test_a_file_that_cannot_be_run_is_an_error_with_its_line(mine, text, said):
    mine.write_text(text)
    with pytest.raises(ConfigError, match=said):
        user_code.load("./mine.py:f")


@pytest.fixture
def state(tmp_path, monkeypatch):
    """An empty memory of what is trusted."""
    monkeypatch.setattr(trust, "trusted_folder", lambda: tmp_path / "state")
    monkeypatch.delenv(trust.VARIABLE, raising=False)
    return tmp_path / "state"


def test_code_is_trusted_when_the_user_says_so_and_until_it_changes(tmp_path, state, monkeypatch):
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    for file in files:
        file.write_text("1")
    with pytest.raises(
        UsageError, match=r"x.yaml: names Python code, which would be run: .*a\.py, .*b\.py.\n.*--trust"
    ):
        trust.check_trusted(files, "x.yaml")
    monkeypatch.setenv(trust.VARIABLE, "1")
    trust.check_trusted(files, "x.yaml")
    monkeypatch.delenv(trust.VARIABLE)
    trust.check_trusted(files, "x.yaml")
    files[1].write_text("2")
    with pytest.raises(UsageError, match="--trust"):
        trust.check_trusted(files, "x.yaml")
    trust.check_trusted([], "x.yaml")


def test_where_nothing_can_be_remembered_trust_holds_for_the_command(tmp_path, state, monkeypatch):
    (file := tmp_path / "a.py").write_text("1")
    state.write_text("a file in the way")
    monkeypatch.setenv(trust.VARIABLE, "1")
    trust.check_trusted([file], "x.yaml")
    monkeypatch.setenv(trust.VARIABLE, "0")
    with pytest.raises(UsageError):
        trust.check_trusted([Path(file)], "x.yaml")
