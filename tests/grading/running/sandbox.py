"""Where submissions run: a starter of processes, at the highest level that works on this machine."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence

from . import trial
from .forks import Forks, Origin
from .inside.settings import BARE, FILTER, LEVELS, Level
from .launch import PROJECT, library
from .process import Limits, Process, SandboxError
from .spawns import Spawns

MISSING = {
    FILTER.name: "Submissions run at the level filter: they can read this machine's files, the model "
    "solution among them.",
    BARE.name: "Submissions run at the level bare, with limits only: they can read this machine's files, the "
    "model solution among them, reach other processes of their user, and use the network.",
}
READS_ALL = (
    "Submissions can read what only root can, since only root can read this Python's files, or enter TMPDIR."
)


class Sandbox:
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
            preload: modules to import once, for those that need them.
            fork: whether processes are forked from one that has imported torch, or each imports it anew.
            hidden: folders that are kept secret, beside the project and the current one.
            many: whether so many submissions are to come that a preparation pays.
            levels: the levels to try.
            origin: whose forks the processes are; it stays open. By default, one of its own.
        """
        self.limits = limits = limits or Limits()
        hide = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self._closing = contextlib.ExitStack()
        if fork:
            origin = origin or self._closing.enter_context(Origin(many))
            self._starter = Forks(limits, sorted(preload), hide, origin)
        else:
            self._starter = Spawns(limits, sorted(preload), hide)
        self._closing.callback(self._starter.close)
        self._levels = levels
        # What works without and with the preloaded modules, or why nothing does. It stays as it was found.
        self._found: dict[bool, Level | SandboxError] = {}
        self._choosing = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def level(self) -> Level | None:
        """The level of all submissions, or the lowest of them; None before the first has been started."""
        found = [level for level in self._found.values() if isinstance(level, Level)]
        names = [level.name for level in LEVELS]
        return max(found, key=lambda level: (names.index(level.name), level.reads_all), default=None)

    @property
    def unprotected(self) -> list[str]:
        """Sentences that say what submissions are not kept from here; [] if all is as it should be."""
        if self.level is None:
            return []
        sentences = [MISSING.get(self.level.name), READS_ALL if self.level.reads_all else None]
        return [sentence for sentence in sentences if sentence]

    def close(self) -> None:
        self._closing.close()

    def start(self, imports: Iterable[str] = ()) -> Process:
        """A fresh process, for a submission with these imports, with a folder to write in.

        Any thread may ask, and each has a process of its own.

        Raises:
            SandboxError: no right submission can be run on this machine.
        """
        preload = sorted({*imports} & {*self._starter.preload})
        key = bool(preload)
        try:
            with self._choosing if key not in self._found else contextlib.nullcontext():
                if key not in self._found:
                    self._found[key] = self._choose(self._starter.preload if preload else [])
            level = self._found[key]
            if isinstance(level, SandboxError):
                raise level
            return self._starter.start(level, preload)
        except OSError as error:  # a full disk, say
            raise SandboxError(f"The grader can't start a process for submissions: {error}.") from error

    def _choose(self, preload):
        """The first level that is there and works together with what a right submission does."""
        for level in self._starter.levels(self._levels):
            failure = trial.failure(self._starter, level, preload)
            if not failure:
                return level
        end = "the grading ends here" if preload else "nobody is graded"
        return SandboxError(
            f"{failure} So {end}. Is everything installed where other users may read it "
            f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
            "and is the limit of memory high enough?"
        )
