"""A file as it was handed in, and the bounds of what is read."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from .names import passed_over

MAX_BYTES = 16 << 20  # of a file
MAX_ARCHIVE = 256 << 20  # of an archive that lies in another
MAX_UNPACKED = 256 << 20  # of all that is read of one person
MAX_FILES = 10_000  # of one person
MAX_NAME = 255  # letters, as file systems have it
MAX_DEPTH = 20  # folders in folders
MAX_NESTED = 3  # archives in archives


@dataclass(frozen=True)
class Item:
    """A file, an empty folder (its path ends in ""), or something that can't be read.

    Attributes:
        path: the names of the folders and archives it lies in, and its own; once it is known whose it is,
            as the author named them.
        open: gives the content as a file; raises ValueError, with a sentence, if that can't be had.
        modified: when it was written, in seconds since 1970; 0 if unknown.
        problem: why it can't be read, in a sentence; or None.
        location: where it lies on the disk; "" for what lies in an archive.
        order: which upload of its author it is; later ones are larger.
        origin: its path in the download, if the author's is another; or "".
    """

    path: tuple[str, ...]
    open: Callable[[], BinaryIO] = io.BytesIO
    modified: float = 0
    problem: str | None = None
    location: str = ""
    order: tuple[int, ...] = ()
    origin: str = ""

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    @property
    def whole(self) -> str:
        """The path as one text."""
        return "/".join(self.path)

    def read(self) -> bytes:
        """The content of a file.

        Raises:
            ValueError: it can't be had, in a sentence.
        """
        try:
            with self.open() as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{self.name} can't be read: {error.strerror or 'it is damaged'}.") from None
        if len(content) > MAX_BYTES:
            raise ValueError(f"{self.name} is larger than {MAX_BYTES >> 20} MiB, which no solution needs.")
        return content


class TooMuchError(ValueError):
    """Somebody handed in more than is read: its own words say what."""


@dataclass
class Budget:
    """What may still be read of one person."""

    files: int = field(default_factory=lambda: MAX_FILES)
    bytes: int = field(default_factory=lambda: MAX_UNPACKED)

    def take(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise TooMuchError(f"it holds more than {MAX_UNPACKED >> 20} MiB")

    def take_file(self) -> None:
        self.files -= 1
        if self.files < 0:
            raise TooMuchError("it holds too many files")


def not_too_many(items: Iterable[Item], depth: int = 0) -> Iterator[Item]:
    """Of a folder that holds too many files a problem instead of the rest.

    Args:
        depth: that of a download's entries; the first folder there may hold the whole class.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for item in items:
        for n, most in ((2, MAX_FILES), (1, 20 * MAX_FILES)):
            folder = item.path[: depth + n]
            counts[folder] += len(folder) < len(item.path)
            if counts[folder] == most + 1:
                yield Item((*folder, ""), problem=f"The folder {folder[-1]} holds more than {most} files.")
            if counts[folder] > most:
                break
        else:
            yield item


def shown(items: Iterable[Item]) -> Iterator[Item]:
    """Without what is passed over, but for one name where a folder holds nothing else: it isn't empty."""
    hidden: dict[tuple[str, ...], Item] = {}
    holding = {()}
    for item in items:
        if passed_over(item.name):
            hidden[item.path[:-1]] = item
        else:
            holding |= {item.path[:n] for n in range(1, len(item.path)) if item.name}
            yield item
    yield from (item for folder, item in hidden.items() if folder not in holding)
