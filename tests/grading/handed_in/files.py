"""Lists files in folders and archives. Nothing is unpacked, run, or followed out of the folder."""

import contextlib
import gzip
import io
import os
import re
import stat
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

MAX_BYTES = 16 << 20  # of a file
MAX_UNPACKED = 256 << 20  # of all that is read from an archive inside of another, or in a folder
MAX_FILES = 10_000  # in an archive, or in a folder of the class
MAX_DEPTH = 20  # folders in folders
MAX_NESTED = 3  # archives in archives
CODE = (".py", ".ipynb", ".py.txt", ".ipynb.txt", ".ipynb.json")
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
FOREIGN = (".rar", ".7z", ".gz", ".bz2", ".xz")
GZIP = b"\x1f\x8b"
ZIP = (b"PK\3\4", b"PK\5\6")  # the second is an empty one
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


@dataclass
class _Budget:
    files: int = field(default_factory=lambda: MAX_FILES)
    bytes: int = field(default_factory=lambda: MAX_UNPACKED)
    nested: int = MAX_NESTED

    def take(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise ValueError(f"it holds more than {MAX_UNPACKED >> 20} MiB")


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def is_code(name: str) -> bool:
    return name.lower().endswith(CODE)


def is_notebook(name: str) -> bool:
    return re.search(r"\.ipynb(\.txt|\.json)?$", name.lower()) is not None


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name is none of an author's work."""
    return name.startswith(".") or name in JUNK


def list_files(path: Path) -> Iterator[Item]:
    """All that lies in a folder or an archive, those inside of it included, in the order of the names.

    Whatever is wrong with a file or a folder becomes an Item with a problem; nothing is raised.
    """
    if path.is_dir():
        yield from _shown(_folder(path))
    else:
        yield from _archive(
            (), lambda: path.open("rb"), path.name, _Budget(files=20 * MAX_FILES, bytes=2**40)
        )


def _folder(root: Path) -> Iterator[Item]:
    waiting: list[tuple[str, tuple[str, ...]]] = [(os.fspath(root), ())]
    counts: Counter[tuple[str, ...]] = Counter()
    while waiting:
        folder, names = waiting.pop()
        shown = names[-1] if names else root.name
        full = None
        try:
            with os.scandir(folder) as listing:
                entries = []
                for entry in listing:
                    entries.append(entry)
                    counts.update(within := [names[:n] for n in (1, 2)[: len(names)]])
                    # The first folder may be one that holds the whole class.
                    limits = zip(within, (20 * MAX_FILES, MAX_FILES), strict=False)
                    if full := next((folder for folder, most in limits if counts[folder] > most), None):
                        break
        except OSError as error:
            yield Item((*names, ""), problem=f"The folder {shown} can't be read: {error.strerror}.")
            continue
        if full:
            yield Item(
                (*names, ""), problem=f"The folder {full[-1]} holds more than {counts[full] - 1} files."
            )
            waiting = [(where, other) for where, other in waiting if other[: len(full)] != full]
            continue
        if not entries:
            yield Item((*names, ""))
        folders = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = (*names, entry.name)
            if passed_over(entry.name):
                yield Item(path)
                continue
            problem = modified = None
            try:
                mode = entry.stat(follow_symlinks=False)
                modified = mode.st_mtime
                if stat.S_ISDIR(mode.st_mode):
                    if is_code(entry.name):
                        problem = f"{entry.name} is a folder, not a file."
                    elif len(path) > MAX_DEPTH:
                        problem = f"The folder {entry.name} lies too deep: {MAX_DEPTH} folders must do."
                    else:
                        folders.append((entry.path, path))
                        continue
                elif stat.S_ISLNK(mode.st_mode):
                    problem = f"{entry.name} is a link; hand in the file itself."
                elif not stat.S_ISREG(mode.st_mode):
                    problem = f"{entry.name} is no ordinary file."
            except OSError as error:
                problem = f"{entry.name} can't be read: {error.strerror}."
            if problem:
                yield Item(path, problem=problem)
            elif is_archive(entry.name):
                files = MAX_FILES if names else 20 * MAX_FILES  # of a person, or of a whole class
                yield from _archive(path, _opener(entry.path), entry.name, _Budget(files=files))
            else:
                yield Item(path, _reader(entry.path, entry.name), modified)
        waiting += reversed(folders)


def _shown(items):
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


def _opener(path):
    return lambda: os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")


def _reader(path, name):
    def read():
        try:
            # Without waiting, should a pipe have taken its place meanwhile.
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
                return _bounded(file.read(MAX_BYTES + 1), name)
        except OSError as error:
            raise ValueError(f"{name} can't be read: {error.strerror}.") from None

    return read


def read_file(path: Path) -> Item:
    """One file by itself."""
    if path.is_symlink():
        return Item((path.name,), problem=f"{path.name} is a link; hand in the file itself.")
    return Item((path.name,), _reader(path, path.name), path.stat().st_mtime)


def _bounded(content, name):
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name} is larger than {MAX_BYTES >> 20} MiB, which no solution needs.")
    return content


def _archive(path, open_file, name, budget) -> Iterator[Item]:
    """The files in an archive, its own name one of the folders of their paths."""
    if budget.nested <= 0:
        yield Item((*path, ""), problem=f"{name} lies in too many archives.")
        return
    budget.nested -= 1
    try:
        file = open_file()
        start = file.read(4)  # people rename archives
        file.seek(0)
        is_zip = start in ZIP or (name.lower().endswith(".zip") and start[:2] != GZIP)
        found = list(_shown((_zip if is_zip else _tar)(path, file, budget)))
    except (
        OSError, EOFError, ValueError, RuntimeError, NotImplementedError, KeyError, IndexError, OverflowError,
        MemoryError, zipfile.BadZipFile, tarfile.TarError, zlib.error, RecursionError,
    ) as error:  # fmt: skip
        reason = (
            str(error) if isinstance(error, ValueError) and str(error).startswith("it ") else "it is damaged"
        )
        found = [Item((*path, ""), problem=f"The archive {name} can't be read: {reason}.")]
    yield from found or [Item((*path, ""))]
    budget.nested += 1


def _parts(name):
    """The names in a path of an archive, as far as the first that is passed over."""
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
    return next((parts[: n + 1] for n, part in enumerate(parts) if passed_over(part)), parts)


def _zip(path, file, budget):
    if budget.bytes >= 2**30:  # of a whole class: it stays open, and each file is read when its turn comes
        yield from _in_order(path, zipfile.ZipFile(file), budget)
        return
    with file, zipfile.ZipFile(file) as archive:
        for item in _in_order(path, archive, budget):
            wanted = (is_code(item.name) or item.name.endswith(".yml")) and not item.problem
            yield replace(item, read=_read_now(item.read)) if wanted else item


def _read_now(read):
    try:
        content = read()
    except ValueError as error:
        sentence = str(error)
    else:
        return lambda: content

    def fail():
        raise ValueError(sentence)

    return fail


def _in_order(path, archive, budget):
    # A name that stands twice means its last content, as everything that unpacks archives has it.
    entries = {info.filename: info for info in archive.infolist()}
    for info in entries.values():
        parts = _parts(_zip_name(info))
        if not parts:
            continue
        *_, name = parts
        _count(budget, name)
        modified = 0
        with contextlib.suppress(ValueError, OverflowError):
            modified = time.mktime((*info.date_time, 0, 0, -1))
        if passed_over(name):
            yield Item((*path, *parts[:-1][:MAX_DEPTH], name))
        elif info.is_dir():
            if len(parts) <= MAX_DEPTH:
                yield Item((*path, *parts, ""))
        elif len(parts) > MAX_DEPTH:
            yield Item((*path, *parts[:MAX_DEPTH]), problem=f"{name} lies too deep in its archive.")
        elif stat.S_ISLNK(info.external_attr >> 16):
            yield Item((*path, *parts), problem=f"{name} is a link; hand in the file itself.")
        elif info.flag_bits & 1:
            yield Item((*path, *parts), problem=f"{name} is encrypted.")
        else:
            yield from _member((*path, *parts), _in_zip(archive, info, name, budget), modified, budget)


def _zip_name(info):
    """The name in UTF-8, which many programs write without saying so, or else in DOS's letters."""
    try:
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _in_zip(archive, info, name, budget):
    def read():
        try:
            with archive.open(info) as file:
                content = file.read(MAX_BYTES + 1)
            budget.take(len(content))
        except ValueError as error:
            raise ValueError(f"{name} can't be read: {error}.") from None
        except Exception:  # whatever a damaged archive makes of itself
            raise ValueError(f"{name} can't be read: its archive is damaged.") from None
        return _bounded(content, name)

    return read


class _Counted(io.RawIOBase):
    """A stream that ends with an error when more than the budget was read."""

    def __init__(self, file, budget):
        self.file, self.budget = file, budget

    def readable(self):
        return True

    def readinto(self, buffer):
        content = self.file.read(len(buffer))
        self.budget.take(len(content))
        buffer[: len(content)] = content
        return len(content)


def _tar(path, file, budget):
    with file as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        stream = io.BufferedReader(_Counted(gzip.GzipFile(fileobj=raw) if packed else raw, budget))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                parts = _parts(member.name)
                if not parts:
                    continue
                whole, name = (*path, *parts), parts[-1]
                _count(budget, name)
                if passed_over(name):
                    yield Item((*path, *parts[:-1][:MAX_DEPTH], name))
                elif len(parts) > MAX_DEPTH:
                    yield Item(
                        whole[: len(path) + MAX_DEPTH], problem=f"{name} lies too deep in its archive."
                    )
                elif member.isdir():
                    yield Item((*whole, ""))
                elif member.issym() or member.islnk():
                    yield Item(whole, problem=f"{name} is a link; hand in the file itself.")
                elif not member.isfile():
                    yield Item(whole, problem=f"{name} is no ordinary file.")
                elif is_code(name) or is_archive(name) or name.endswith(".yml"):
                    content = archive.extractfile(member).read(MAX_BYTES + 1)
                    yield from _member(whole, _kept(content, name), member.mtime, budget)
                else:
                    yield Item(whole, modified=member.mtime)


def _kept(content, name):
    return lambda: _bounded(content, name)


def _count(budget, name):
    budget.files -= not passed_over(name)  # an environment of Python has thousands
    if budget.files < 0:
        raise ValueError("it holds too many files")


def _member(path, read, modified, budget):
    if not is_archive(path[-1]):
        yield Item(path, read, modified)
        return
    inner = budget if budget.bytes < 2**30 else _Budget(nested=budget.nested)  # of a class, each its own
    yield from _archive(path, lambda: io.BytesIO(read()), path[-1], inner)
