"""What the process of a submission is told: how it is shut in, where it may write, how much it may use."""

import dataclasses
import json
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


# The most first. All of them limit time, memory, disk, processes and output; none runs as root.
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
    """What is told to one process; it travels as JSON.

    Attributes:
        level: how it is shut in.
        folder: where it may write, by the name under which it sees it.
        uid: the user and group that it runs as, None for the grader's own.
        library: the folders of Python and its packages.
        hidden: the folders that it must not see, wherever they are.
        limits: what it may use.
    """

    level: Level
    folder: str
    uid: int | None
    library: tuple[str, ...]
    hidden: tuple[str, ...]
    limits: Limits

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        fields = json.loads(text)
        return cls(**fields | {"level": Level(**fields["level"]), "limits": Limits(**fields["limits"])})
