"""Lists the files in folders. Nothing is opened, or followed out of the folder."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .item import MAX_DEPTH, MAX_FILES, MAX_NAME, Item, is_code, passed_over, shown


def list_folder(root: Path) -> Iterator[Item]:
    """All that lies in a folder, in the order of the names; archives are files.

    Whatever is wrong with a file or a folder becomes an Item with a problem; nothing is raised.
    """
    yield from shown(_walk(root))


class _FullError(Exception):
    """A folder, told by its path, holds more files than are listed."""


def _walk(root):
    waiting: list[tuple[str, tuple[str, ...]]] = [(os.fspath(root), ())]
    counts: Counter[tuple[str, ...]] = Counter()
    while waiting:
        folder, names = waiting.pop()
        try:
            entries = _entries(folder, names, counts)
        except _FullError as error:
            (full,) = error.args
            problem = f"The folder {full[-1]} holds more than {counts[full] - 1} files."
            yield Item((*names, ""), problem=problem, location=folder)
            waiting = [(where, other) for where, other in waiting if other[: len(full)] != full]
            continue
        except OSError as error:
            problem = f"The folder {names[-1] if names else root.name} can't be read: {error.strerror}."
            yield Item((*names, ""), problem=problem, location=folder)
            continue
        if not entries:
            yield Item((*names, ""), location=folder)
        folders = []
        for entry in entries:
            path = (*names, entry.name)
            if _is_to_be_opened(entry, path):
                folders.append((entry.path, path))
            else:
                yield _item(entry.path, path)
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


def list_file(location: Path) -> Item:
    """One file by itself."""
    return _item(os.fspath(location), (location.name,))


def _item(location, path):
    """What an entry is that is no folder to be opened."""
    name = path[-1]
    if passed_over(name) and len(path) > 1:
        return Item(path, location=location)
    try:
        status = os.stat(location, follow_symlinks=False)
        problem, modified = _problem(name, status.st_mode), status.st_mtime
    except OSError as error:
        problem, modified = f"{name[:MAX_NAME]} can't be read: {error.strerror}.", 0
    if problem:
        return Item(path, problem=problem, location=location)
    return Item(path, lambda: _open(location), modified, location=location)


def _problem(name, mode):
    if stat.S_ISDIR(mode):
        if is_code(name):
            return f"{name} is a folder, not a file."
        return f"The folder {name} lies too deep: {MAX_DEPTH} folders must do."
    if stat.S_ISLNK(mode):
        return f"{name} is a link; hand in the file itself."
    return None if stat.S_ISREG(mode) else f"{name} is no ordinary file."


def _open(location):
    # Without following a link or waiting, should one or a pipe have taken its place meanwhile.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.fdopen(os.open(location, flags | getattr(os, "O_BINARY", 0)), "rb")
