"""Reads a CSV file as a course's system or a spreadsheet wrote it, and writes it again in the same way."""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

csv.field_size_limit(2**31 - 1)  # a comment in a worksheet may have a picture in it


@dataclass
class CsvFile:
    """The cells of a file, and how it was written.

    Attributes:
        rows: the cells, with the head's.
        lines: for each row, the line of the file that it ends in.
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    encoding: str = "utf-8"
    delimiter: str = ","
    ending: str = "\r\n"

    @property
    def has_decimal_commas(self) -> bool:
        def some(form):
            return any(re.fullmatch(form, cell.strip()) for row in self.rows[1:] for cell in row)

        return some(r"\d+,\d+") or (self.delimiter == ";" and not some(r"\d+\.\d+"))

    def to_bytes(self) -> bytes:
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=self.delimiter, lineterminator=self.ending).writerows(self.rows)
        return file.getvalue().encode(self.encoding, "replace")


def read(path: Path) -> CsvFile:
    """The cells of a file.

    Raises:
        ValueError: it is no CSV file, in a sentence.
        OSError: it can't be read.
    """
    raw = path.read_bytes()
    encoding = next(e for e in ("utf-16", "utf-8-sig", "utf-8", "cp1252", "latin-1") if _fits(raw, e))
    content = raw.decode(encoding)
    if "\0" in content:
        raise ValueError(f"{path.name} is no CSV file")
    first = content.split("\n", 1)[0]
    found = CsvFile(
        encoding=encoding,
        delimiter=max(",;\t", key=first.count),
        ending="\r\n" if first.endswith("\r") else "\n",
    )
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=found.delimiter)
    try:
        for row in reader:
            found.rows.append(row)
            found.lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(f"{path.name} is no CSV file: {error}") from None
    return found


def _fits(raw, encoding):
    if encoding == "utf-16" and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    if encoding == "utf-8-sig" and not raw.startswith(b"\xef\xbb\xbf"):
        return False
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True
