"""Where submissions run: a starter of processes, with the most protections that work on this machine."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterable

from . import trial
from .processes import Limits, Process, SandboxError
from .starters import PROJECT, Forks, Spawns, library

__all__ = ["MISSING", "Limits", "Sandbox", "SandboxError"]

MISSING = {
    "processes": "Submissions are not kept from seeing and reaching other processes of their user.",
    "files": "Submissions can read this machine's files, the model solution among them.",
    "network": "Submissions have a network.",
    "reading": "Submissions can read what only root can, since only root can read this Python's files, "
    "or enter TMPDIR.",
    "calls": "System calls that no solution needs are not refused.",
}

# What does nearly the same where the first can't be had; see inside/confine.py.
INSTEAD = {"processes": "signals", "files": "paths", "network": "calls"}


class Sandbox:
    """Starts processes for submissions. What can't be had here falls away, the rest remains.

    Attributes:
        protections: what submissions are kept from, keys of `MISSING` and values of `INSTEAD`.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        preload: Iterable[str] = (),
        fork: bool = sys.platform.startswith("linux"),  # elsewhere it isn't safe once torch has computed
        hidden: Iterable[str | os.PathLike] = (),
        many: bool = False,
    ):
        """`preload` names modules to import once, for those that need them; `hidden` folders are kept secret.

        `many` submissions are worth half a second at the start that makes each of them cheaper.
        """
        self.limits = limits = limits or Limits()
        hide = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self._starter = (
            Forks(limits, sorted(preload), hide, many) if fork else Spawns(limits, sorted(preload))
        )
        self._tried: set[str] = set()  # modules with which a right submission works
        self._choosing = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def protections(self) -> list[str]:
        return self._starter.protections

    @property
    def missing(self) -> list[str]:
        """A sentence for each protection that can't be had on this machine."""
        had = {name for name in MISSING if {name, INSTEAD.get(name)} & set(self.protections)}
        return [sentence for name, sentence in MISSING.items() if name not in had]

    def close(self) -> None:
        self._starter.close()

    def start(self, imports: Iterable[str] = ()) -> Process:
        """A fresh process, for a submission with these imports, with a folder to write in.

        Any thread may ask, and each has a process of its own.

        Raises:
            SandboxError: no right submission can be run on this machine.
        """
        needed = {"torch", *imports} & {"torch", *self._starter.preload}
        try:
            if not needed <= self._tried:
                with self._choosing:
                    if not needed <= self._tried:
                        self._choose(needed | self._tried)
            return self._starter.start(imports)
        except OSError as error:  # a full disk, say
            raise SandboxError(f"The grader can't start a process for submissions: {error}.") from error

    def _choose(self, needed):
        """The most protections that work together: what is there is tried as a submission will use it."""
        ways = self._starter.ways()
        if self._tried:  # for less, and never for more than earlier submissions had
            ways = ways[ways.index(self.protections) :]
        for i, way in enumerate(ways):
            trouble = self._trouble(way, needed)
            if not trouble or (i == 1 and self._trouble(ways[-1], needed)):  # if the least fails, all will
                break
        if trouble:
            self.close()
            raise SandboxError(
                f"{trouble} So nobody is graded. Is everything installed where other users may read it "
                f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
                "and is the limit of memory high enough?"
            )
        self._tried = needed

    def _trouble(self, way, imports):
        self._starter.protections = way
        try:
            return trial.trouble(self._starter, imports)
        except SandboxError as error:
            return str(error)
