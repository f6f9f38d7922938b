"""Where something is to be written: as it was meant, or refused before anything is made."""

from pathlib import Path

import pytest
import typer

import diffrender
from diffrender.cli.commands.new import new
from diffrender.cli.places import file_for, output_folder
from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.core.files import file_to_write
from diffrender.video.settings import RenderSettings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("home", "there", "there.png"):
        (tmp_path / name).mkdir()
    (tmp_path / "words.mp4").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("there", "there: is a folder.*there/NAME"),
        ("there.png/", "there.png: is a folder"),
        ("-", "nothing is written to stdout"),
        ("", "no name"),
        (" ", "no name"),
        ("~nobody-of-that-name/x.png", "no such user"),
        ("a" * 300 + ".png", "File name too long"),
        ("words.mp4/x.png", "words.mp4 is a file, not a folder"),
        ("nowhere/x.png", "Add --parents"),
    ],
)
def test_what_is_no_file_to_write_is_refused(folder, name, said):
    with pytest.raises(UsageError, match=f"(?s){said}"):
        file_for(Path(name), parents=False)


def test_a_home_is_opened_and_a_link_followed(folder):
    assert file_for(Path("~/x.png"), parents=False) == folder / "home" / "x.png"
    assert file_for(Path("ü 漢.png"), parents=False) == Path("ü 漢.png")
    Path("link.png").symlink_to("there/real.png")
    assert file_to_write("link.png") == folder / "there" / "real.png"
    assert file_for(Path("nowhere/x.png"), parents=True) == Path("nowhere/x.png")
    assert file_for(None, parents=False) is None


def test_the_folder_of_outputs_is_a_folder(folder, capsys):
    assert output_folder(Path("~/made")) == folder / "home" / "made"
    assert output_folder(Path("there")) == Path("there")
    with pytest.raises(typer.Exit):
        output_folder(Path("words.mp4"))
    assert "words.mp4: is a file" in capsys.readouterr().err


def test_python_says_the_same(folder):
    with pytest.raises(DiffrenderError, match="is a folder"):
        diffrender.render("card", options={"title": "x"}, out="there.png", still=0)
    assert not list(Path("there.png").iterdir())


def test_a_name_without_an_ending_is_told_one(folder):
    with pytest.raises(UsageError, match=r"(?s)does not say the format.*film\.mp4"):
        RenderSettings.of().format_for(Path("film"))
    assert RenderSettings.of().format_for(Path("film.MP4")) == "mp4"


@pytest.mark.parametrize("name", ["", "~", ".yaml", "..", "a/", "~/x", "a/b"])
def test_new_refuses_names_that_are_none(folder, name, capsys):
    with pytest.raises(typer.Exit) as ended:
        new("config", name)
    assert ended.value.exit_code == 2
    assert "name" in capsys.readouterr().err
    assert not Path("configs").exists()
    new("config", "v1.2")
    new("config", "~/mine.yaml")
    assert Path("configs/v1.2.yaml").exists()
    assert (folder / "home" / "mine.yaml").exists()
