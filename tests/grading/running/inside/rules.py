"""What a submission may see of the machine's files: one table, for mounts and for Landlock."""

import contextlib
import functools
import os
import stat
from dataclasses import dataclass

from .settings import Settings

SYSTEM = (
    "/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/libx32",  # programs, libraries, fonts, time zones
    "/nix",  # all of these on NixOS
    "/etc",  # where libraries and fonts are; the names of users
)  # fmt: skip
# Programs take them for granted. Not /dev/zero: mapped, it is memory that no limit counts.
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")
SHARED_MEMORY = "/dev/shm"  # for semaphores of its own, by which its processes wait


@dataclass(frozen=True)
class Rules:
    """Which files, and folders with all below them, may be read, and written to as well.

    What is not named is hidden. Of several names for one file the longest counts; if in two lists, `read`.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    hidden: tuple[str, ...]


def rules_for(settings: Settings) -> Rules:
    """The whole table for one submission."""
    is_alone = settings.level.namespaces
    # Without root's rights, the files' own modes say the same.
    for_root_alone = private("/etc") if settings.level.reads_all or is_alone else ()
    return Rules(
        read=(*SYSTEM, *settings.library),
        write=(*DEVICES, *([SHARED_MEMORY] if is_alone else []), settings.folder),  # else it is everybody's
        hidden=(*for_root_alone, *settings.hidden),  # the grader, and what was handed in
    )


@functools.cache
def private(folder: str) -> tuple[str, ...]:
    """What only its owner may read below a folder; of folders in folders the outermost."""
    found = []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # it has gone meanwhile
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                found += [entry.path] if mode & 0o5 != 0o5 else private(entry.path)
            elif stat.S_ISREG(mode) and not mode & 0o4:
                found.append(entry.path)
    return tuple(found)
