"""What a submission may see of the machine's files: one table, for mounts and for Landlock."""

import enum
import functools
import os
import stat
from dataclasses import dataclass

from .settings import Settings


class Access(enum.Enum):
    HIDDEN = "hidden"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Rule:
    """What may be done with a file, or a folder and all below it, and why."""

    path: str
    access: Access
    why: str


# What no rule names is hidden. Of several rules that of the longest path counts; of two for one path, READ.
SYSTEM = (
    Rule("/bin", Access.READ, "programs"),
    Rule("/sbin", Access.READ, "programs"),
    Rule("/usr", Access.READ, "programs, libraries, fonts, time zones"),
    Rule("/lib", Access.READ, "libraries"),
    Rule("/lib32", Access.READ, "libraries"),
    Rule("/lib64", Access.READ, "the loader of programs"),
    Rule("/libx32", Access.READ, "libraries"),
    Rule("/nix", Access.READ, "all of these on NixOS"),
    Rule("/etc", Access.READ, "where libraries and fonts are; the names of users"),
    Rule("/dev/null", Access.WRITE, "programs take it for granted"),
    Rule("/dev/random", Access.WRITE, "random numbers"),
    Rule("/dev/urandom", Access.WRITE, "random numbers"),
    # Not /dev/zero: mapped, it is memory that no limit counts.
)
SHARED_MEMORY = Rule("/dev/shm", Access.WRITE, "semaphores of its own, by which its processes wait")


def rules_for(settings: Settings) -> list[Rule]:
    """The whole table for one submission."""
    # Without root's rights, the files' own modes say the same. Mounts are made once, for all.
    roots_own = private("/etc") if settings.level.reads_all or settings.level.namespaces else ()
    return [
        *SYSTEM,
        *(Rule(path, Access.HIDDEN, "for root alone") for path in roots_own),
        *(Rule(path, Access.READ, "Python and its packages") for path in settings.library),
        *(Rule(path, Access.HIDDEN, "the grader, and what was handed in") for path in settings.hidden),
        *([SHARED_MEMORY] if settings.level.namespaces else []),  # else it is everybody's
        Rule(settings.folder, Access.WRITE, "its own folder"),
    ]


def paths(rules: list[Rule], access: Access) -> list[str]:
    """The paths of the rules with this access, each once."""
    return list(dict.fromkeys(rule.path for rule in rules if rule.access is access))


@functools.cache
def private(folder: str) -> tuple[str, ...]:
    """What only its owner may read below a folder; of folders in folders the outermost."""
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return ()
    for entry in entries:
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode):
            found += [entry.path] if mode & 0o5 != 0o5 else private(entry.path)
        elif stat.S_ISREG(mode) and not mode & 0o4:
            found.append(entry.path)
    return tuple(found)
