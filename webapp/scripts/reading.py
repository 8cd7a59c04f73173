"""From the text of a YAML file to plain data that remembers on which line each thing stood.

The head of sales edits these files by hand, so whatever is wrong is told with its line. Nothing in a file
can build an object, refer to another place (anchors, aliases) or grow beyond a bound.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Text: TypeAlias = str | LazyString
Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 512 * 1024
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a script file. `broken`: the file cannot be used until it is mended.

    `line` counts from 1. `message` is in the reader's language when shown inside a request.
    """

    file: str
    line: int
    message: Text
    broken: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says, and the line of every key and list item in it (by path from the top)."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line(self, *path: str | int) -> int:
        """The line of this path, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(raw: bytes, file: str) -> tuple[Source | None, list[Problem]]:
    """Read one file's bytes. The source is None when there is no sense in reading on."""
    if len(raw) > MAX_BYTES:
        return None, [Problem(file, 1, _l("The file is larger than %(kb)d KB.", kb=MAX_BYTES // 1024), True)]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return None, [Problem(file, line, _l("The text is not in UTF-8: save the file as UTF-8."), True)]
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line, message = _in_words(error, text)
        return None, [Problem(file, line, message, True)]
    except (YAMLError, ValueError) as error:
        line = _line_of_bad_character(text)
        reason = str(error).splitlines()[0]
        return None, [Problem(file, line, _l("This line cannot be read: %(reason)s.", reason=reason), True)]
    except RecursionError:
        return None, [Problem(file, 1, _l("The file is nested too deeply."), True)]
    if not isinstance(node, MappingNode):
        return None, [
            Problem(file, 1, _l("The file must start with names and values, such as “script: inbound”."), True)
        ]
    reader = _Reader(file)
    data = reader.value(node, ())
    return Source(file, data, reader.lines), reader.problems


def _in_words(error: MarkedYAMLError, text: str) -> tuple[int, Text]:
    """Where and what, as seen by the person who typed it rather than by the reader that stumbled later."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    for number, content in enumerate(text.split("\n")[:line], 1):
        if content.replace('\\"', "").count('"') % 2 and not content.lstrip().startswith("#"):
            return number, _l("A quote is opened on this line and not closed, or the other way round.")
    problem, context = error.problem or "", error.context or ""
    if error.context_mark and context.startswith(("while parsing a flow", "while scanning a simple key")):
        line = error.context_mark.line + 1
    if "\\t" in problem:
        return line, _l("A tab stands here: set lines in by spaces.")
    if "mapping values" in problem:
        return line, _l("A second colon on one line: put the text in quotes.")
    if "':'" in problem and "simple key" in context:
        return line, _l("A colon is missing after the name.")
    if "flow" in context:
        return line, _l("A bracket is opened here and not closed.")
    if "<block end>" in problem:
        return line, _l("This line is set in otherwise than those around it, or has a quote inside a quote.")
    return line, _l("This line cannot be read: %(reason)s.", reason=problem or context)


def _line_of_bad_character(text: str) -> int:
    for number, line in enumerate(text.split("\n"), 1):
        if any(ord(c) < 32 and c not in "\t\r" for c in line):
            return number
    return 1


class _Reader:
    """Turns YAML nodes into dicts, tuples and scalars, noting lines and what may not be there."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def value(self, node: Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self.seen or node.anchor:
            self.wrong(line, _l("Marks with & and * are not used here: write the text out."))
            return None
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH:
            self.wrong(line, _l("The file is nested too deeply."))
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return tuple(self.value(child, (*path, number)) for number, child in enumerate(node.value))
        return self.scalar(str(node.tag).rpartition(":")[2], str(node.value), line)

    def mapping(self, node: MappingNode, path: Path) -> dict[Hashable, Any]:
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.wrong(line, _l("A name before a colon must be a plain word."))
                continue
            key = str(key_node.value)
            if key in result:
                first = self.lines[(*path, key)]
                self.wrong(
                    line,
                    _l("“%(key)s” stands here twice; the first is on line %(line)d.", key=key, line=first),
                )
                continue
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def scalar(self, tag: str, text: str, line: int) -> str | int | bool | None:
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int" and text.isdecimal() and len(text) <= 9:
            return int(text)
        if tag not in ("str", "int", "float", "timestamp"):
            self.wrong(line, _l("Marks with ! are not used here: write plain text."))
        elif tag != "str":
            self.wrong(line, _l("Put “%(text)s” in quotes.", text=text))
        return text

    def wrong(self, line: int, message: Text) -> None:
        self.problems.append(Problem(self.file, line, message, broken=True))
