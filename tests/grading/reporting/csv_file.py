"""Reads a CSV file as a course's system or a spreadsheet wrote it, and writes it again in the same way."""

import contextlib
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

csv.field_size_limit(2**31 - 1)  # a comment in a worksheet may have a picture in it

# What a spreadsheet takes for a formula, wherever it splits the line: blanks before it or not.
_SIGN = "[=+\\-@＝＋－＠]"
_LATER = rf"[^\S\t\r\n]*{_SIGN}"
_FORMULA = re.compile(rf"^(?=\s*{_SIGN}|[\t\r\n])|(?<=[;,\t\r\n])(?={_LATER})")
_GUARDED = re.compile(rf"^'(?=\s*'?{_SIGN}|[\t\r\n])|(?<=[;,\t\r\n])'(?={_LATER})")


@dataclass
class CsvFile:
    """The cells of a file, and how it was written.

    Attributes:
        rows: the cells, with the head's.
        encoding: with a byte-order mark if it is new, since Excel takes it for Latin-1 otherwise.
    """

    rows: list[list[str]] = field(default_factory=list)
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    ending: str = "\r\n"

    @property
    def has_decimal_commas(self) -> bool:
        def some(form):
            return any(re.fullmatch(form, cell.strip()) for row in self.rows[1:] for cell in row)

        return some(r"\d+,\d+") or (self.delimiter == ";" and not some(r"\d+\.\d+"))

    def to_bytes(self) -> bytes:
        lines = []
        for row in self.rows:
            line = io.StringIO(newline="")  # Python before 3.12.3 quotes only what is in the line's ending
            csv.writer(line, delimiter=self.delimiter, lineterminator="\r\n").writerow(row)
            lines.append(line.getvalue()[:-2] + self.ending)
        return "".join(lines).encode(self.encoding, "replace")


def load_csv(path: Path) -> CsvFile:
    """The cells of a file.

    Raises:
        ValueError: it is no CSV file, in a sentence.
        OSError: it can't be read.
    """
    encoding, content = _decoded(path.read_bytes())
    if "\0" in content:
        raise ValueError(f"{path.name} is no CSV file")
    first = content.split("\n", 1)[0]
    found = CsvFile(
        encoding=encoding,
        delimiter=max(",;\t", key=first.count),
        ending="\r\n" if first.endswith("\r") else "\n",
    )
    try:
        found.rows += csv.reader(io.StringIO(content, newline=""), delimiter=found.delimiter)
    except csv.Error as error:
        raise ValueError(f"{path.name} is no CSV file: {error}") from None
    return found


def _decoded(raw):
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    marked = [encoding for mark, encoding in marks.items() if raw.startswith(mark)]
    for encoding in (*marked, "utf-8", "cp1252"):
        with contextlib.suppress(UnicodeError):
            return encoding, raw.decode(encoding)
    return "latin-1", raw.decode("latin-1")


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula, whether it splits at commas, semicolons or tabs."""
    return _FORMULA.sub("'", text)


def without_guard(text: str) -> str:
    """The text that `cell` was given."""
    return _GUARDED.sub("", text)


def ids_of(written: Iterable[str], ids: Iterable[str]) -> dict[str, str]:
    """Whose id each text is, {text: id}: a spreadsheet drops leading zeros when it saves, and late digits.

    A text that is not an id as it stands counts only where it is nobody else's.
    """
    written, ids = set(written), set(ids) - {""}
    found = {text: text for text in written & ids}
    without_zeros: dict[str, list[str]] = {}
    for id in filter(str.isdecimal, ids):
        without_zeros.setdefault(id.lstrip("0"), []).append(id)
    for text in written - ids:
        same = without_zeros.get(text.lstrip("0"), []) if text.isdecimal() else []
        if power := re.fullmatch(r"\d(?:[.,](\d+))?E\+\d+", text):  # 1.23457E+11
            shape, number = f".{len(power[1] or '')}E", text.replace(",", ".")
            same = [id for id in ids if id.isdecimal() and format(int(id), shape) == number]
        if len(same) == 1 and same[0] not in written:
            found[text] = same[0]
    return found
