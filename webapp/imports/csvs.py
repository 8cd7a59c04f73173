"""Lists as text: encoding and delimiter are guessed, then each record is read, however broken the one before."""

from __future__ import annotations

import codecs
import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

from flask_babel import lazy_gettext as _l

from webapp.imports.files import BadFile
from webapp.imports.rows import Row, checked, tidy

ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
}
DELIMITERS = {",": _l("comma"), ";": _l("semicolon"), "\t": _l("tab"), "|": _l("bar")}
LONGEST_LINE = 1 << 20
_LOOKED_AT = 1 << 18
_MOST_LINES_IN_A_CELL = 100


def _frequencies(text: str) -> dict[str, float]:
    """Letters with their share of a text, in per cent: "о11 е8.5"."""
    return {part[0]: float(part[1:]) for part in text.split()}


_RUSSIAN = _frequencies(
    "о11 е8.5 а8 и7.4 н6.7 т6.3 с5.5 р4.7 в4.5 л4.4 к3.5 м3.2 д3 п2.8 у2.6 я2 ы1.9 ь1.7 "
    "г1.7 з1.6 б1.6 ч1.4 й1.2 х1 ж0.9 ш0.7 ю0.6 ц0.5 щ0.4 э0.3 ф0.3 і0.5 ї0.2 є0.2 ъ0.1 ё0.1"
)
_GREEK = _frequencies(
    "α10 ο9 ι8 ε8 τ8 σ5 ν6.5 η4 υ4 ρ4.5 π4 κ4 μ3.5 λ3 ί2.5 ό2.2 ς4 ά2 "
    "ω2 έ1.7 δ1.7 γ1.7 ή1 ύ1 χ1.2 θ1.2 ώ0.8 φ0.8 β0.8 ξ0.4 ζ0.4 ψ0.2"
)
_TURNS_BIG = re.compile(r"[^\W\d_A-Z](?<=[a-zа-яёіїєґα-ωάέήίόύώ])[А-ЯЁІЇЄҐΑ-ΩΆΈΉΊΌΎΏ]")


def guess_encoding(path: Path) -> str:
    """The name of an encoding of ENCODINGS. Raises BadFile when the file is no text."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if (zeros := start.count(0)) > len(start) // 5:
        return "utf-16-le" if start[1::2].count(0) > zeros // 2 else "utf-16-be"
    if sum(start.count(sign) for sign in range(32) if sign not in b"\t\n\r\x0b\x0c") > len(start) // 500:
        raise BadFile(_l("This is no list: neither an xlsx file nor text. Save it as xlsx or CSV."))
    if _is_utf8(path):
        return "utf-8-sig"
    return max(("cp1251", "cp1253"), key=lambda encoding: _reads_like_words(start, encoding))


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(LONGEST_LINE):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _reads_like_words(start: bytes, encoding: str) -> float:
    """How well the letters beyond ASCII suit the language of the encoding: the mean logarithm of their frequency."""
    text = start.decode(encoding, "replace")
    usual = _RUSSIAN if encoding == "cp1251" else _GREEK
    seen = Counter(letter for letter in text if letter > "\x7f")
    total = sum(seen.values()) or 1
    score = sum(count * math.log(usual.get(letter.lower(), 0.01)) for letter, count in seen.items()) / total
    return score - 5 * len(_TURNS_BIG.findall(text)) / total


def guess_delimiter(path: Path, encoding: str) -> str:
    """The sign that divides the records of the beginning into the most even columns; a comma when none does."""
    with _opened(path, encoding) as file:
        lines = list(itertools.islice(_Lines(file), 200))

    def evenness(delimiter: str) -> tuple[float, int]:
        widths: Counter[int] = Counter()
        try:
            for record in itertools.islice(csv.reader(lines, delimiter=delimiter), 100):
                if record:
                    widths[len(record)] += 1
        except csv.Error:
            pass
        width, rows = max(widths.items(), key=lambda one: (one[1], one[0]), default=(1, 0))
        return (rows / (sum(widths.values()) or 1), width) if width > 1 else (0, 0)

    return max(DELIMITERS, key=evenness)


def rows(path: Path, encoding: str, delimiter: str) -> Generator[Row]:
    """Every record with something in it. A record that can't be read is a row with a flaw. Raises BadFile."""
    with _opened(path, encoding) as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter)
        for number in itertools.count(1):
            lines.cut = False
            try:
                record = next(reader, None)
            except csv.Error:  # a cell without end: its record is lost, the next line begins a new one
                yield Row(number, [], "long" if lines.cut else "quote")
                continue
            except UnicodeError:
                raise BadFile(_l("The letters can't be read in this encoding. Choose another one.")) from None
            if record is None:
                return
            if cells := tidy(record):
                row = checked(Row(number, cells, "long" if lines.cut else ""))
                for column, cell in enumerate(cells):
                    if cell.count("\n") > _MOST_LINES_IN_A_CELL:
                        row.flaw, row.column, cells[column] = "quote", column, cell[:200] + "…"
                yield row


def _opened(path: Path, encoding: str) -> IO[str]:
    if encoding not in ENCODINGS:
        raise BadFile(_l("Choose one of the list."))
    errors = "strict" if encoding.startswith("utf") else "replace"
    return path.open(encoding=encoding, errors=errors, newline="")


class _Lines(Iterator[str]):
    """The lines of a file. Of one longer than LONGEST_LINE the beginning, and `cut` says that there was more."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.cut = False

    def __next__(self) -> str:
        line = piece = self.file.readline(LONGEST_LINE)
        while len(piece) == LONGEST_LINE and not piece.endswith("\n"):
            piece = self.file.readline(LONGEST_LINE)
            self.cut = True
        if not line:
            raise StopIteration
        return line
