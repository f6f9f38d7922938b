"""YAML as it is read here: safe, bounded, without aliases or repeated keys, and without YAML 1.1's surprises.

`010`, `0b1` and `1:30`, which YAML 1.1 reads as 8, 1 and 90, are refused; `1.0e3` is a number, and so is `0x1F`, which
means 31 wherever it is written. Dates are text. Only plain values, lists and mappings are read: no other tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from diffrender.core.errors import ConfigError, words_of
from diffrender.core.validation import shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
LARGEST = 2**64  # no number of a config is larger
PLAIN = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map"))
DOUBTFUL = "!doubtful"  # numbers that mean something else than they seem to
TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false"}
WORDS = {dict: "a mapping", list: "a list", str: "text", int: "a number", float: "a number", bool: "a switch"}


class Loader(yaml.SafeLoader):
    """Safe YAML without aliases (a few lines of them can fill the memory), without repeated keys, and not too deep."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node with all below it; MarkedYAMLError for an alias, or below MAX_DEPTH levels."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read here", problem_mark=self.peek_event().start_mark
            )
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.peek_event().start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """A node's plain value; MarkedYAMLError for tags, and for numbers too large or not what they seem to be."""
        if node.tag == DOUBTFUL:
            raise yaml.MarkedYAMLError(problem=_doubt(node.value), problem_mark=node.start_mark)
        if node.tag not in PLAIN:
            raise yaml.MarkedYAMLError(
                problem=f"the tag {node.tag[:60]} is not read here", problem_mark=node.start_mark
            )
        try:
            found = super().construct_object(node, deep)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
            kind = TYPES.get(node.tag.rpartition(":")[2], "plain value")
            raise yaml.MarkedYAMLError(
                problem=f"{shown(node.value)} is not {kind}", problem_mark=node.start_mark
            ) from None
        if isinstance(found, int) and abs(found) > LARGEST:
            raise yaml.MarkedYAMLError(problem="a number that is far too large", problem_mark=node.start_mark)
        if isinstance(found, str) and re.search("[\ud800-\udfff\0]", found):
            raise yaml.MarkedYAMLError(problem="a character that no text can hold", problem_mark=node.start_mark)
        return found

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        """A dict whose keys are text, each once; MarkedYAMLError for any other."""
        if not isinstance(node, yaml.MappingNode):
            raise yaml.MarkedYAMLError(problem="not a mapping", problem_mark=node.start_mark)
        seen = set()
        for key_node, _ in node.value:
            key = None if key_node.tag == DOUBTFUL else self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                is_number = isinstance(key, int) and not isinstance(key, bool)
                said = str(key_node.value)[:40] if key is None else shown(key)
                point = "; a decimal has a point, as 0.5 has" if is_number or key_node.tag == DOUBTFUL else ""
                raise yaml.MarkedYAMLError(
                    problem=f"keys must be text, not {said}{point}", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {shown(key)} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _doubt(text: str) -> str:
    """What is doubtful about a number, and what to write."""
    if ":" in text:
        what = "a number to the base of 60 (or a time)"
    elif "b" in text.lower():
        what = "a binary number"
    else:
        what = "an octal number"
    plain = text.lstrip("+-0_").replace("_", "") or "0"
    decimal = f"{'-' * text.startswith('-')}{plain}, or " if plain.isdigit() else ""
    return f"{shown(text)[1:-1]} is {what} in YAML: write {decimal}'{text[:40]}' in quotes for text"


# One table of what plain scalars are, in place of YAML 1.1's
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag.rpartition(":")[2] in ("null", "bool", "merge")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_NUMBER = list("-+.0123456789")
for _tag, _pattern in (
    (DOUBTFUL, r"[-+]?0[0-9_]+|[-+]?0b[01_]*|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
    (PLAIN[2], r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)"),
    (PLAIN[3], r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
):
    Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _NUMBER)


QUOTE = "Put the whole value in quotes: '…'."
PLAINLY = {  # what YAML's own reader says → what is wrong, and what to do
    "'\\t' that cannot": ("a tab, where YAML has blanks", "Indent with blanks, and put one after a colon."),
    "mapping values are not allowed": (
        "a second colon in a line, or a line that is indented otherwise than those above",
        QUOTE,
    ),
    "that cannot start any token": ("a value that begins with a mark that YAML keeps for itself", QUOTE),
    "found unexpected end of stream": ("a quote that is not closed", "Close it."),
    "<stream end>": ("a bracket that is not closed", "Close it."),
    "found another document": ("a second document (---)", "One file holds one."),
    "aliases (*name)": ("aliases (*name) are not read here", "Write out what it stands for, or put a text in quotes."),
    "2002:merge is not": ("merge keys (<<) are not read here", "Write out the keys that it stands for."),
    "2002:python": ("a tag that would run code (!!python) is not read here", "Write the value itself."),
    "is not read here": ("a tag (!…) is not read here", "Write the value itself, without the tag."),
    "expected escape sequence": ("a backslash in double quotes", "In single quotes it stands for itself: 'C:\\Users'."),
    "found unknown escape": ("a backslash in double quotes", "In single quotes it stands for itself: 'C:\\Users'."),
}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError naming file and line if it is not one."""
    data = _loaded(str(path), _text(path))
    if data is None:
        raise ConfigError(f"{path}: is empty.", "A config says at least what is to be learned: target: spiral")
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}: a mapping of sections is needed, not {WORDS.get(type(data), 'this')}.",
            "Points to learn from are given as CSV or .npy."
            if path.suffix == ".json"
            else "It is made of lines such as 'target: spiral'.",
        )
    return data


def read_value(text: str, where: str) -> Any:
    """A value given in a flag, read as YAML; `where` is what errors call it."""
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{where}: longer than a value may be.")
    return _loaded(where, text, lines=False)


def line_finder(path: Path) -> Callable[[tuple[int | str, ...]], int | None]:
    """A function that says in which line of a YAML file a key stands, (section, key, …); None where it does not."""

    def line(place: tuple[int | str, ...]) -> int | None:
        """The line, from 1, of the last key on the way `place` that is there; None if there is none or no file."""
        try:
            node = yaml.compose(_text(path), Loader=Loader)
        except (yaml.YAMLError, ConfigError):
            return None
        found = None
        for part in place:
            if isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
                if pair is None:
                    break
                found, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                found = node.start_mark.line + 1
            else:
                break
        return found

    return line


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than a config may be ({MAX_BYTES:,} bytes).")
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8.", "Save it as UTF-8.") from None


def _loaded(where: str, text: str, lines: bool = True) -> Any:
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark, error.problem or "not YAML"
        at = f"{where}, line {mark.line + 1}" if mark and lines else where
        for theirs, (ours, remedy) in PLAINLY.items():
            if theirs in problem:
                begun = error.context_mark if "quote" in ours else None  # where it begins, not where the file ends
                at = f"{where}, line {begun.line + 1}" if begun and lines else at
                raise ConfigError(f"{at}: {ours}.", remedy) from None
        raise ConfigError(f"{at}: {problem[:200]}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{where}: not YAML ({words_of(error)}).") from None
