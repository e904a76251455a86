"""What a process that runs submissions is told: how they are shut in, and how much they may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A set of protections. What a machine can't give falls away as a whole level.

    Attributes:
        name: "full", "container", "filter" or "bare".
        namespaces: it sees no process but its own, no network, and only the files of rules.py, by mounts.
        landlock: it reaches only the files of rules.py, by Landlock; they lie on the disk.
        filter: system calls that no solution needs are refused: among them the network's, and where there
            are no namespaces, signals to others.
        reads_all: it reads what root does, since Python's own files may be root's alone.
    """

    name: str
    namespaces: bool = False
    landlock: bool = False
    filter: bool = False
    reads_all: bool = False


# The most first. All of them limit time, memory, disk, processes and output, as far as the system can; none
# runs as root.
FULL = Level("full", namespaces=True, filter=True)
CONTAINER = Level("container", landlock=True, filter=True)  # most containers refuse namespaces
# Docker on Debian 12 (Linux 6.1), Ubuntu 22.04 (5.15) or Amazon Linux 2023 (6.1): Landlock is too old there.
FILTER = Level("filter", filter=True)
BARE = Level("bare")
LEVELS = (FULL, CONTAINER, FILTER, BARE)


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Time is per call, and once for the import; six times as much for all of it.

    It does not count while the submission waits for a processor that others use.
    """

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 16 << 20
    folder_bytes: int = 64 << 20
    output_bytes: int = 64 << 10


@dataclass(frozen=True)
class Settings:
    """What is the same for all submissions of a process; it travels as a dictionary.

    Attributes:
        level: how they are shut in.
        library: the folders of Python and its packages.
        hidden: the folders that they must not see, wherever they are.
        limits: what each may use.
    """

    level: Level
    library: list[str]
    hidden: list[str]
    limits: Limits

    @classmethod
    def from_dict(cls, fields: dict) -> "Settings":
        return cls(**fields | {"level": Level(**fields["level"]), "limits": Limits(**fields["limits"])})
