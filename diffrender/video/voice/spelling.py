"""Text as it is spoken: symbols in words, by a table; what no voice can speak is refused, never dropped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import UsageError

TABLE = Path(__file__).with_name("spelling.yaml")
PLAIN = " .,;:!?…'’‘\"“”„()—–-/%&"  # beside letters and digits, what every voice reads or pauses at
WRITTEN_ONLY = "_*\\#@|[]{}<>^~`"  # punctuation that stands for something else
MONEY = "$€£"
DIACRITICS = range(0x300, 0x370)  # combining marks of Latin and Greek


@cache
def symbols(language: str) -> Mapping[str, str]:
    """Symbol → words, in a language; empty where there is no table for it."""
    return {_normal(symbol): words for symbol, words in read_yaml(TABLE).get(language, {}).items()}


def spelled(text: str, language: str, own: Mapping[str, str], letters: str = "") -> str:
    """A text with its symbols in words: by `own`, then by the table of its language.

    letters: all that the voice can speak, if that is known. Raises UsageError naming what cannot be spoken.
    """
    table = {**symbols(language), **{_normal(symbol): words for symbol, words in own.items()}}
    text = _normal(text)
    if table:
        keys = sorted(table, key=len, reverse=True)
        text = re.sub("|".join(map(_pattern, keys)), lambda found: f" {table[found[0]]} ", text)
    text = re.sub(r"\s+([.,;:!?…)])", r"\1", " ".join(text.split()))
    if left := [one for k, one in enumerate(text) if not _speakable(text, k, language, letters)]:
        shown = " ".join(dict.fromkeys(_shown(one) for one in left))
        raise UsageError(
            f"{shown} cannot be spoken.", f'Write it in words, or say how: voice: {{spell: {{"{left[0]}": words}}}}'
        )
    if not any(one.isalnum() for one in text):
        raise UsageError("there is nothing in it to be spoken.", "Write a sentence, or leave it out.")
    return text


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _pattern(symbol: str) -> str:
    """A word is found as a whole, a symbol wherever it stands."""
    is_word = symbol.isascii() and symbol.isalnum()
    return rf"(?<![^\W_]){re.escape(symbol)}(?![^\W_])" if is_word else re.escape(symbol)


def _speakable(text: str, k: int, language: str, letters: str) -> bool:
    """Whether the character at `k` can be spoken."""
    one = text[k]
    if one in PLAIN or (one.isdigit() and unicodedata.category(one) == "Nd"):
        return True
    if one in MONEY:  # and not a dollar sign round mathematics
        return text[k + 1 : k + 2].isdigit()
    if letters:
        return (one.isascii() and one.isalpha()) or one in letters
    kind = unicodedata.category(one)
    if kind[0] == "P":
        return one not in WRITTEN_ONLY
    if kind[0] == "M":
        return ord(one) not in DIACRITICS
    styled = unicodedata.normalize("NFKC", one) != one  # as ℒ, 𝔼, ₜ
    return kind[0] == "L" and not styled and (language == "el" or "GREEK" not in unicodedata.name(one, ""))


def _shown(one: str) -> str:
    """A character in quotes; a combining mark on a circle."""
    return f"'{chr(0x25CC) if unicodedata.combining(one) else ''}{one}'"
