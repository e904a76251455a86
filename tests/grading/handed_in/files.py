"""Lists the files in folders. Nothing is opened, or followed out of the folder."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .item import MAX_DEPTH, MAX_NAME, Item, not_too_many, shown
from .names import is_code, passed_over


def list_folder(root: Path) -> Iterator[Item]:
    """All that lies in a folder, in the order of the names; archives are files.

    Whatever is wrong with a file or a folder becomes an Item with a problem; nothing is raised.
    """
    yield from shown(not_too_many(_walk(os.fspath(root), ())))


def _walk(folder, path):
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        problem = f"The folder {os.path.basename(folder)} can't be read: {error.strerror}."
        yield Item((*path, ""), problem=problem, location=folder)
        return
    if not entries:
        yield Item((*path, ""), location=folder)
    for entry in entries:
        inner = (*path, entry.name)
        if _is_to_be_opened(entry, inner):
            yield from _walk(entry.path, inner)
        else:
            yield _item(entry.path, inner)


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
