"""The files in an archive. Nothing is unpacked to the disk."""

import contextlib
import gzip
import io
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace

from .item import (
    MAX_BYTES,
    MAX_DEPTH,
    Budget,
    Item,
    TooMuchError,
    bounded,
    is_archive,
    is_code,
    passed_over,
    shown,
)

GZIP = b"\x1f\x8b"
ZIP = (b"PK\3\4", b"PK\5\6")  # the second is an empty one


def list_archive(path, open_file, name, budget) -> Iterator[Item]:
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
        found = list(shown((_zip if is_zip else _tar)(path, file, budget)))
    except (
        OSError, EOFError, ValueError, RuntimeError, NotImplementedError, KeyError, IndexError, OverflowError,
        MemoryError, zipfile.BadZipFile, tarfile.TarError, zlib.error, RecursionError,
    ) as error:  # fmt: skip
        reason = error if isinstance(error, TooMuchError) else "it is damaged"
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
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield Item(
                (*path, *parts), problem=f"{name} is packed in a way that is not read; use plain .zip."
            )
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
        return bounded(content, name)

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
    return lambda: bounded(content, name)


def _count(budget, name):
    budget.files -= not passed_over(name)  # an environment of Python has thousands
    if budget.files < 0:
        raise TooMuchError("it holds too many files")


def _member(path, read, modified, budget):
    if not is_archive(path[-1]):
        yield Item(path, read, modified)
        return
    inner = budget if budget.bytes < 2**30 else Budget(nested=budget.nested)  # of a class, each its own
    yield from list_archive(path, lambda: io.BytesIO(read()), path[-1], inner)
