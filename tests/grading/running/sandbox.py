"""Where submissions run: a starter of processes, at the highest level that works on this machine."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from . import trial
from .forks import Forks, Origin
from .inside.settings import BARE, FILTER, FULL, LEVELS, Level
from .launch import PROJECT, Starter, is_root, library
from .process import Limits, Process, SandboxError

MISSING = {
    FILTER.name: "Submissions run at the level filter: they can read this machine's files, the model "
    "solution among them.",
    BARE.name: "Submissions run at the level bare, with limits only: they can read this machine's files, the "
    "model solution among them, reach other processes of their user, and use the network.",
    "reads all": "Submissions can read what only root can, since only root can read this Python's files, or "
    "enter TMPDIR.",
}


class Sandbox(contextlib.ExitStack):
    """Starts processes for submissions, all at one level: the highest at which a right submission works.

    `inside/settings.py` says what each level is.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        preload: Iterable[str] = (),
        fork: bool = sys.platform.startswith("linux"),  # elsewhere it isn't safe once torch has computed
        hidden: Iterable[str | os.PathLike] = (),
        many: bool = False,
        levels: Sequence[Level] = LEVELS,
        origin: Origin | None = None,
    ):
        """
        Args:
            limits: what each submission may use.
            preload: modules to import once, for all.
            fork: whether processes are forked from one that has imported torch, or each imports it anew.
            hidden: folders that are kept secret, beside the project and the current one.
            many: whether so many submissions are to come that a preparation pays.
            levels: the levels to try.
            origin: whose forks the processes are; it stays open. By default, one of its own.

        Raises:
            SandboxError: torch can't be imported.
        """
        super().__init__()
        self.limits = limits = limits or Limits()
        hide = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        if fork:
            origin = origin or self.enter_context(Origin(many))
            self._starter = self.enter_context(Forks(limits, sorted(preload), hide, origin))
        else:
            self._starter, levels = Starter(limits, sorted(preload), hide), [BARE]
        if is_root():  # then each level also for where only root can read Python's files
            levels = [one for level in levels for one in (level, replace(level, reads_all=True))]
        self._levels, self._choosing = levels, threading.Lock()
        self._found: Level | SandboxError | None = None  # what works, or why nothing does

    @property
    def level(self) -> Level | None:
        """The level of all submissions; None before the first has been started."""
        return self._found if isinstance(self._found, Level) else None

    @property
    def unprotected(self) -> list[str]:
        """Sentences that say what submissions are not kept from here; [] if all is as it should be."""
        level = self.level or FULL
        return [MISSING[name] for name in (level.name, "reads all" * level.reads_all) if name in MISSING]

    def start(self) -> Process:
        """A fresh process, for one submission, with a folder to write in.

        Any thread may ask, and each has a process of its own.

        Raises:
            SandboxError: no right submission can be run on this machine.
        """
        try:
            with self._choosing:
                self._found = self._found or self._choose()
            if isinstance(self._found, SandboxError):
                raise self._found
            return self._starter.start(self._found)
        except OSError as error:  # a full disk, say
            raise SandboxError(f"The grader can't start a process for submissions: {error}.") from error

    def _choose(self):
        """The first level that is there and works together with what a right submission does."""
        for level in self._levels:
            failure = trial.failure(self._starter, level)
            if not failure:
                return level
        return SandboxError(
            f"{failure} So nobody is graded. Is everything installed where other users may read it "
            f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
            "and is the limit of memory high enough?"
        )
