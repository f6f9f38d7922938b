"""The page of every scene is what the scenes declare, and each has its picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from diffrender.core import provenance

ROOT = Path(__file__).parents[1]


@pytest.fixture
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", ROOT / ".ci/gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_scenes_declare_and_every_scene_has_its_picture(gallery):
    assert gallery.wrong() == [], "run: make gallery"


def test_what_is_stale_is_said(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PAGE", tmp_path / "scenes.md")
    (tmp_path / "scenes.md").write_text(gallery.page().replace("two to six samplers", "two samplers"))
    assert gallery.wrong() == ["scenes.md is not what the scenes declare"]
    (tmp_path / "scenes.md").write_text(gallery.page())
    assert gallery.wrong() == []
    monkeypatch.setattr(gallery, "GALLERY", tmp_path)
    (tmp_path / "nothing.png").write_bytes(b"0" * gallery.MOST_BYTES)
    (tmp_path / "race.png").write_bytes(b"0")
    found = gallery.wrong()
    assert "flow has no picture" in found
    assert "nothing.png is of no scene" in found
    assert found[-1] == f"the pictures have {gallery.MOST_BYTES + 1:,} bytes"
    assert "race has no picture" not in found


def test_every_scene_stands_on_the_page_with_its_command_and_its_own_options(gallery):
    page = gallery.page()
    for card in gallery.cards():
        part = page.split(f"\n## {card.name}\n")[1].split("\n## ")[0]
        assert card.summary in part
        assert f"    {gallery.command(card)}\n" in part
        assert f"gallery/{card.name}.png" in part
    race = page.split("\n## race\n")[1].split("\n## ")[0]
    assert "| `samplers` | list of str | `ddpm,ddim,heun,dpmpp_2m` | two to six samplers |" in race
    assert "one for each of `samplers`" in race


def test_pictures_say_what_they_are_of(gallery):
    for card in gallery.cards():
        said = provenance.read(gallery.GALLERY / f"{card.name}.png")
        assert said["scene"] == f"{card.name}:{card.class_name}"
