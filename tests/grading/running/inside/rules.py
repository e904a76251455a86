"""What a submission may see of the machine's files, for mounts and for Landlock. All else is hidden."""

import contextlib
import os
import stat
from collections.abc import Sequence

from .settings import Settings

SYSTEM = (
    "/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/libx32",  # programs, libraries, fonts, time zones
    "/nix",  # all of these on NixOS
    "/etc",  # where libraries and fonts are; the names of users
)  # fmt: skip
# Programs take them for granted. Not /dev/zero: mapped, it is memory that no limit counts.
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")


def shown(settings: Settings) -> list[str]:
    """The folders that it may read with all below them. Inside of what is `hidden`, the innermost counts."""
    return [*SYSTEM, *settings.library]


def hidden(settings: Settings) -> list[str]:
    """The grader, what was handed in, and what is for root alone."""
    # Without root's rights, the files' own modes say the same.
    is_for_root = settings.level.reads_all or settings.level.namespaces
    return [*(private("/etc") if is_for_root else ()), *settings.hidden]


def private(folder: str) -> list[str]:
    """What only its owner may read below a folder; of folders in folders the outermost."""
    found = []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # it has gone meanwhile
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                found += [entry.path] if mode & 0o5 != 0o5 else private(entry.path)
            elif stat.S_ISREG(mode) and not mode & 0o4:
                found.append(entry.path)
    return found


def outside(path: str, without: Sequence[str]) -> list[str]:
    """`path`, or what is in it without these: Landlock can't take back further below what it allowed."""
    if not any(one.startswith(path.rstrip("/") + "/") for one in without):
        return [path]
    inside = (os.path.join(path, name) for name in os.listdir(path))
    return [found for one in inside if one not in without for found in outside(one, without)]
