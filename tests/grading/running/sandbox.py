"""Where submissions run: a starter of processes, with the most protections that work on this machine."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterable

from . import trial
from .forks import Forks
from .launch import PROJECT, library
from .process import Limits, Process, SandboxError
from .spawns import Spawns

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

        Where `many` submissions are to come, each of them is made cheaper at the start.
        """
        self.limits = limits = limits or Limits()
        hide = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self._starter = (
            Forks(limits, sorted(preload), hide, many) if fork else Spawns(limits, sorted(preload))
        )
        # What works without and with the preloaded modules, or why nothing does. It stays as it was found.
        self._ways: dict[bool, list[str] | SandboxError] = {}
        self._choosing = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def protections(self) -> list[str]:
        ways = [way for way in self._ways.values() if isinstance(way, list)]
        return [name for name in ways[0] if all(name in way for way in ways)] if ways else []

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
        preload = sorted({*imports} & {*self._starter.preload})
        key = bool(preload)
        try:
            with self._choosing if key not in self._ways else contextlib.nullcontext():
                if key not in self._ways:
                    self._ways[key] = self._choose(self._starter.preload if preload else [])
            way = self._ways[key]
            if isinstance(way, SandboxError):
                raise way
            return self._starter.start(way, preload)
        except OSError as error:  # a full disk, say
            raise SandboxError(f"The grader can't start a process for submissions: {error}.") from error

    def _choose(self, preload):
        """The most protections that work together: what is there is tried as a submission will use it."""
        ways = self._starter.ways()
        for i, way in enumerate(ways):
            trouble = self._trouble(way, preload)
            if not trouble:
                return way
            if i == 1 and self._trouble(ways[-1], preload):  # if the least fails, all will
                break
        end = "the grading ends here" if preload else "nobody is graded"
        return SandboxError(
            f"{trouble} So {end}. Is everything installed where other users may read it "
            f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
            "and is the limit of memory high enough?"
        )

    def _trouble(self, way, preload):
        try:
            return trial.trouble(self._starter, way, preload)
        except SandboxError as error:
            return str(error)
