"""Where submissions run: a starter of processes, with the most protections that work on this machine."""

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import trial
from .processes import Limits, Process, SandboxError
from .starters import Forks, Spawns, library

__all__ = ["MISSING", "Limits", "Sandbox", "SandboxError"]

PROJECT = Path(__file__).resolve().parents[2]

MISSING = {
    "processes": "Submissions are not kept from seeing and reaching other processes of their user.",
    "files": "Submissions can read this machine's files, the model solution among them.",
    "network": "Submissions have a network.",
    "reading": "Submissions can read what only root can, since only root can read this Python's files.",
    "calls": "System calls that no solution needs are not refused.",
}


class Sandbox:
    """Starts processes for submissions. What can't be had here falls away, the rest remains.

    Attributes:
        protections: what submissions are kept from, a part of `MISSING`'s keys; see inside/confine.py.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        preload: Iterable[str] = (),
        fork: bool = sys.platform.startswith("linux"),  # elsewhere it isn't safe once torch has computed
        hidden: Iterable[str | os.PathLike] = (),
    ):
        """`preload` names modules to import once and first; `hidden` folders are kept secret."""
        self.limits = limits = limits or Limits()
        hide = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self._starter = Forks(limits, sorted(preload), hide) if fork else Spawns(limits, sorted(preload))
        self._is_tried = False

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
        return [sentence for name, sentence in MISSING.items() if name not in self.protections]

    def close(self) -> None:
        self._starter.close()

    def start(self) -> Process:
        """A fresh process, with a folder to write in.

        Raises:
            SandboxError: no right submission can be run on this machine.
        """
        if not self._is_tried:
            self._choose()
        return self._starter.start()

    def _choose(self):
        """The most protections that work together: what is there is tried as a submission will use it."""
        most, *fewer = self._starter.ways()
        trouble = self._trouble(most)
        if trouble and fewer and not self._trouble(fewer[-1]):  # else it isn't the protections
            trouble = next((None for way in fewer if not self._trouble(way)), trouble)
        if trouble:
            self.close()
            raise SandboxError(
                f"{trouble} So nobody is graded. Is everything installed where other users may read it "
                f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
                "and is the limit of memory high enough?"
            )
        self._is_tried = True

    def _trouble(self, way):
        self._starter.protections = way
        try:
            return trial.trouble(self._starter)
        except SandboxError as error:
            return str(error)
