"""A file as it was handed in, and the bounds of what is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_BYTES = 16 << 20  # of a file
MAX_UNPACKED = 256 << 20  # of all that is read from an archive inside of another, or in a folder
MAX_FILES = 10_000  # in an archive, or in a folder of the class
MAX_DEPTH = 20  # folders in folders
MAX_NESTED = 3  # archives in archives
CODE = (".py", ".ipynb", ".py.txt", ".ipynb.txt", ".ipynb.json")
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
FOREIGN = (".rar", ".7z", ".gz", ".bz2", ".xz")
JUNK = ("__MACOSX", "__pycache__", "node_modules", "site-packages")


@dataclass(frozen=True)
class Item:
    """A file, an empty folder (its path ends in ""), or something that can't be read.

    Attributes:
        path: the names of the folders and archives it lies in, and its own.
        read: gives the content; raises ValueError, with a sentence, if that can't be had.
        modified: when it was written, in seconds since 1970; 0 if unknown.
        problem: why it can't be read, in a sentence; or None.
    """

    path: tuple[str, ...]
    read: Callable[[], bytes] = bytes
    modified: float = 0
    problem: str | None = None

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""


class TooMuchError(ValueError):
    """An archive holds more than is read: its own words say what."""


@dataclass
class Budget:
    files: int = field(default_factory=lambda: MAX_FILES)
    bytes: int = field(default_factory=lambda: MAX_UNPACKED)
    nested: int = MAX_NESTED

    def take(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise TooMuchError(f"it holds more than {MAX_UNPACKED >> 20} MiB")


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def is_code(name: str) -> bool:
    return name.lower().endswith(CODE)


def is_notebook(name: str) -> bool:
    return re.search(r"\.ipynb(\.txt|\.json)?$", name.lower()) is not None


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name is none of an author's work."""
    return name.startswith(".") or name in JUNK


def bounded(content, name):
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name} is larger than {MAX_BYTES >> 20} MiB, which no solution needs.")
    return content


def shown(items):
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
