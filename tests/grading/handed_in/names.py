"""What the name of a file or a folder tells."""

import functools
import re
from dataclasses import dataclass

CODE = (".py", ".ipynb", ".py.txt", ".ipynb.txt", ".ipynb.json")
FOREIGN = (".rar", ".7z", ".gz", ".bz2", ".xz")  # archives that are not read
# What computers, browsers and Python put beside an author's work, and the sheet's own data set.
JUNK = ("__MACOSX", "__pycache__", "node_modules", "site-packages", "venv", "MNIST")
JUNK += ("desktop.ini", "Thumbs.db")
# What browsers and systems write behind a name that is taken, and what people do.
_NUMBER = r"[ _]?\((\d{1,4})\)$|-(\d{1,4})$"
_VERSION = r"[ _-]*(\(\d+\)|v?\d+|final|copy|kopie|neu|new|old|alt)$"


@dataclass(frozen=True)
class Name:
    """The parts of a file's name.

    Attributes:
        stem: all but the ending.
        number: which upload it is, as in "solution (2).py" or "solution-2.py"; or 0.
        unnumbered: the stem without the number.
        base: the stem without whatever tells versions apart, in lower case.
    """

    stem: str
    number: int
    unnumbered: str
    base: str

    @property
    def is_solution(self) -> bool:
        return self.unnumbered.lower() == "solution"


@functools.lru_cache(maxsize=10_000)
def name_of(path: str) -> Name:
    name = path.rpartition("/")[2]
    stem = re.sub(r"(?i)(\.(py|ipynb)\.(txt|json)|\.tar(-\d+)?\.gz|(?<!^)\.[^.]*)$", "", name)
    number = re.search(_NUMBER, stem)
    base, longer = stem[:255].lower(), ""
    while base != longer:  # a suffix at a time: one expression for all would be exponential
        base, longer = re.sub(_VERSION, "", base), base
    if not number:
        return Name(stem, 0, stem, base)
    return Name(stem, int(number[1] or number[2]), stem[: number.start()], base)


def is_archive(name: str) -> bool:
    return re.search(r"\.(zip|tgz|tar|tar(-\d+)?\.gz)$", name.lower()) is not None  # Canvas: x.tar-2.gz


def is_code(name: str) -> bool:
    return name.lower().endswith(CODE)


def is_notebook(name: str) -> bool:
    return re.search(r"\.ipynb(\.txt|\.json)?$", name.lower()) is not None


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name is none of an author's work."""
    return name.startswith(".") or name in JUNK or name.endswith(("-ubyte", "-ubyte.gz"))
