"""Lists files in folders and archives. Nothing is unpacked, run, or followed out of the folder."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .archives import list_archive
from .item import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FILES,
    Budget,
    Item,
    bounded,
    is_archive,
    is_code,
    passed_over,
    shown,
)


def list_files(path: Path) -> Iterator[Item]:
    """All that lies in a folder or an archive, those inside of it included, in the order of the names.

    Whatever is wrong with a file or a folder becomes an Item with a problem; nothing is raised.
    """
    if path.is_dir():
        yield from shown(_folder(path))
    else:
        yield from list_archive(
            (), lambda: path.open("rb"), path.name, Budget(files=20 * MAX_FILES, bytes=2**40)
        )


class _FullError(Exception):
    """A folder, told by its path, holds more files than are listed."""


def _folder(root: Path) -> Iterator[Item]:
    waiting: list[tuple[str, tuple[str, ...]]] = [(os.fspath(root), ())]
    counts: Counter[tuple[str, ...]] = Counter()
    while waiting:
        folder, names = waiting.pop()
        try:
            entries = _entries(folder, names, counts)
        except _FullError as error:
            (full,) = error.args
            problem = f"The folder {full[-1]} holds more than {counts[full] - 1} files."
            yield Item((*names, ""), problem=problem)
            waiting = [(where, other) for where, other in waiting if other[: len(full)] != full]
            continue
        except OSError as error:
            shown = names[-1] if names else root.name
            yield Item((*names, ""), problem=f"The folder {shown} can't be read: {error.strerror}.")
            continue
        if not entries:
            yield Item((*names, ""))
        folders = []
        for entry in entries:
            path = (*names, entry.name)
            if _is_to_be_opened(entry, path):
                folders.append((entry.path, path))
            else:
                yield from _item(entry, path)
        waiting += reversed(folders)


def _entries(folder, names, counts):
    """What lies in a folder, in the order of the names. `counts` counts what lies in those around it."""
    within = [names[:n] for n in (1, 2)[: len(names)]]
    # The first folder may be one that holds the whole class.
    limits = list(zip(within, (20 * MAX_FILES, MAX_FILES), strict=False))
    with os.scandir(folder) as listing:
        entries = []
        for entry in listing:
            entries.append(entry)
            counts.update(within)
            for around, most in limits:
                if counts[around] > most:
                    raise _FullError(around)
    return sorted(entries, key=lambda entry: entry.name)


def _is_to_be_opened(entry, path):
    try:
        is_folder = entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
    return is_folder and len(path) <= MAX_DEPTH and not (passed_over(entry.name) or is_code(entry.name))


def _item(entry, path):
    """What an entry is that is no folder to be opened."""
    if passed_over(entry.name):
        yield Item(path)
        return
    try:
        status = entry.stat(follow_symlinks=False)
        problem = _problem(entry.name, status.st_mode)
    except OSError as error:
        problem = f"{entry.name} can't be read: {error.strerror}."
    if problem:
        yield Item(path, problem=problem)
    elif is_archive(entry.name):
        files = MAX_FILES if len(path) > 1 else 20 * MAX_FILES  # of a person, or of a whole class
        yield from list_archive(path, _opener(entry.path), entry.name, Budget(files=files))
    else:
        yield Item(path, _reader(entry.path, entry.name), status.st_mtime)


def _problem(name, mode):
    if stat.S_ISDIR(mode):
        if is_code(name):
            return f"{name} is a folder, not a file."
        return f"The folder {name} lies too deep: {MAX_DEPTH} folders must do."
    if stat.S_ISLNK(mode):
        return f"{name} is a link; hand in the file itself."
    return None if stat.S_ISREG(mode) else f"{name} is no ordinary file."


def _opener(path):
    return lambda: os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")


def _reader(path, name):
    def read():
        try:
            # Without waiting, should a pipe have taken its place meanwhile.
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
                return bounded(file.read(MAX_BYTES + 1), name)
        except OSError as error:
            raise ValueError(f"{name} can't be read: {error.strerror}.") from None

    return read


def read_file(path: Path) -> Item:
    """One file by itself."""
    if path.is_symlink():
        return Item((path.name,), problem=f"{path.name} is a link; hand in the file itself.")
    return Item((path.name,), _reader(path, path.name), path.stat().st_mtime)
