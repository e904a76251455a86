"""The files in an archive. Nothing is unpacked to the disk."""

import contextlib
import functools
import io
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator

from .item import (
    MAX_ARCHIVE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NESTED,
    Budget,
    Item,
    TooMuchError,
    not_too_many,
    shown,
)
from .names import is_archive, is_code, passed_over

MAX_OF_CLASS = 1 << 30  # bytes that are kept of a class's .tar.gz
MAX_PASSED = 16 << 30  # bytes in a .tar.gz, read or not: they pass in half a minute
GZIP = b"\x1f\x8b"
ZIP = (b"PK\3\4", b"PK\5\6")  # the second is an empty one


def list_class(archive: Item, path: tuple[str, ...]) -> list[Item]:
    """What lies in the archive of a class, archives in it unopened: whoever reads them has a budget.

    Args:
        path: what the paths begin with.
    """
    return list(not_too_many(_list(archive, path, Budget(files=2**40, bytes=MAX_OF_CLASS)), len(path)))


def list_archive(archive: Item, budget: Budget) -> Iterator[Item]:
    """What lies in one person's archive, and in those inside of it, whose names are folders of the paths."""
    if sum(map(is_archive, archive.path)) > MAX_NESTED:
        yield Item((*archive.path, ""), problem=f"{archive.name} lies in too many archives.")
        return
    for item in _list(archive, archive.path, budget):
        is_inner = is_archive(item.name) and not item.problem
        yield from list_archive(item, budget) if is_inner else [item]


def _list(archive, path, budget):
    try:
        with archive.open() as file:
            start = file.read(4)  # people rename archives
            file.seek(0)
            if start in ZIP or (archive.name.lower().endswith(".zip") and start[:2] != GZIP):
                found = _zip(path, archive, file, budget)
            else:
                found = _tar(path, file, budget)
            return list(shown(found)) or [Item((*path, ""))]
    except Exception as error:  # whatever a damaged archive makes of itself
        reason = error if isinstance(error, TooMuchError) else "it is damaged"
        return [Item((*path, ""), problem=f"The archive {archive.name} can't be read: {reason}.")]


def _names(name):
    """The names in a path of an archive, as far as the first that is passed over."""
    names = tuple(one[:MAX_NAME] for one in name.replace("\\", "/").split("/") if one not in ("", ".", ".."))
    return next((names[: n + 1] for n, one in enumerate(names) if passed_over(one)), names)


def _zip(path, archive, file, budget):
    reopen = archive.open  # each file is read when its turn comes, perhaps in a forked process
    if not archive.location:
        content = file.read()
        budget.take(len(content))
        reopen = functools.partial(io.BytesIO, content)
    opened = zipfile.ZipFile(file)
    # A name that stands twice means its last content, as everything that unpacks archives has it.
    for info in {info.filename: info for info in opened.infolist()}.values():
        if names := _names(_zip_name(info)):
            modified = 0
            with contextlib.suppress(ValueError, OverflowError):
                modified = time.mktime((*info.date_time, 0, 0, -1))
            content = _in_zip(reopen, opened, info, names[-1])
            problem = _zip_problem(info, names[-1], archive.name)
            yield from _member(path, names, info.is_dir(), problem, content, modified, budget)


def _zip_name(info):
    """The name in UTF-8, which many programs write without saying so, or else in DOS's letters."""
    try:
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _zip_problem(info, name, archive_name):
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{name} is a link; hand in the file itself."
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"{name} in {archive_name} is packed in a way that is not read; use plain .zip."
    return f"{name} in {archive_name} is encrypted." if info.flag_bits & 1 else None


def _in_zip(reopen, archive, info, name):
    def open_member():
        try:
            with reopen() as archive.fp, archive.open(info) as file:
                return io.BytesIO(file.read(_most(name) + 1))
        except Exception:  # whatever a damaged archive makes of itself
            raise ValueError(f"{name} can't be read: its archive is damaged.") from None

    return open_member


def _most(name):
    return MAX_ARCHIVE if is_archive(name) else MAX_BYTES


def _tar(path, file, budget):
    packed = file.read(2) == GZIP
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r|gz" if packed else "r|") as archive:
        passed = 0
        for member in archive:
            passed += member.size
            if passed > MAX_PASSED:
                raise TooMuchError(f"it holds more than {MAX_PASSED >> 30} GiB")
            if not (names := _names(member.name)):
                continue
            name, problem, open_member = names[-1], None, io.BytesIO
            is_read = is_code(name) or is_archive(name) or name.endswith((".yml", ".txt"))
            if member.issym() or member.islnk():
                problem = f"{name} is a link; hand in the file itself."
            elif not member.isfile() and not member.isdir():
                problem = f"{name} is no ordinary file."
            elif is_read and not passed_over(name):
                content = archive.extractfile(member).read(_most(name) + 1)
                budget.take(len(content))
                open_member = functools.partial(io.BytesIO, content)
            yield from _member(path, names, member.isdir(), problem, open_member, member.mtime, budget)


def _member(path, names, is_folder, problem, open_member, modified, budget):
    """What one member of an archive is."""
    whole, name = (*path, *names), names[-1]
    if passed_over(name):  # an environment of Python has thousands, which count for nobody
        yield Item((*path, *names[:-1][:MAX_DEPTH], name))
        return
    budget.take_file()
    if len(names) > MAX_DEPTH:
        yield Item(whole[: len(path) + MAX_DEPTH], problem=f"{name} lies too deep in its archive.")
    elif is_folder:
        yield Item((*whole, ""))
    else:
        yield Item(whole, open_member, modified, problem)
