"""Where submissions run: each in a process of its own, at the highest level that works on this machine."""

import contextlib
import itertools
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

from ..handed_in.submission import Submission
from .answers import Raised, Returned
from .forks import Server, new_origin, wait_for
from .inside.namespaces import FOLDER
from .inside.settings import BARE, FILTER, FULL, LEVELS, Level, Settings
from .inside.wire import send
from .launch import PROJECT, is_root, library, new_folder, popen, readable, wide_pipe
from .process import Limits, Process, SandboxError, end_family, memory_of, remove
from .question import Question
from .session import Session

TRIAL = (Path(__file__).parent / "inside" / "allowed.py").read_text(encoding="utf-8")
PATIENCE = 60  # seconds for the trial: a folder of fonts may have to be read
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
        origin: Server | None = None,
    ):
        """
        Args:
            limits: what each submission may use.
            preload: modules to import once, for all that need one of them.
            fork: whether processes are forked from one that has imported torch, or each imports it anew.
            hidden: folders that are kept secret, beside the project and the current one.
            many: whether so many submissions are to come that a preparation pays.
            levels: the levels to try.
            origin: whose forks the processes are; it stays open. By default, one of its own.

        Raises:
            SandboxError: torch can't be imported.
        """
        super().__init__()
        self.limits = limits or Limits()
        self._preload = sorted(preload)
        self._hidden = sorted({os.path.realpath(path) for path in (PROJECT, os.getcwd(), *hidden)})
        self._origin = origin if fork else None
        self._rich_origin: Server | None = None  # the one that has what is to be preloaded
        self._servers: dict[tuple[int, Level, bool], Server] = {}  # for each thread
        if not fork:
            levels = [BARE]
        elif not origin:
            self._origin = self.enter_context(new_origin(many))
        self.callback(self._close_servers)
        if is_root():  # then each level also for where only root can read Python's files
            levels = [one for level in levels for one in (level, replace(level, reads_all=True))]
        first = 30_000 + os.getpid() % 300 * 100  # below 65,536: containers often know no higher ones
        self._uids = itertools.cycle(range(first, first + 100))
        self._levels, self._choosing, self._importing = levels, threading.Lock(), threading.Lock()
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

    def start(self, packages: Iterable[str] = ()) -> Process:
        """A fresh process, for one submission, with a folder to write in.

        Any thread may ask, and each has a process of its own.

        Args:
            packages: what it imports. Where that is to be preloaded, it is there.

        Raises:
            SandboxError: no right submission can be run on this machine.
        """
        try:
            with self._choosing:
                self._found = self._found or self._choose()
            if isinstance(self._found, SandboxError):
                raise self._found
            return self._start(self._found, self._preload if {*packages} & {*self._preload} else [])
        except OSError as error:  # a full disk, say
            raise SandboxError(f"The grader can't start a process for submissions: {error}.") from error

    def _choose(self):
        """The first level that is there and works together with what a right submission does."""
        for level in self._levels:
            failure = self._failure(level)
            if not failure:
                return level
            self._close_servers()
        return SandboxError(
            f"{failure} So nobody is graded. Is everything installed where other users may read it "
            f"({', '.join(library()) or 'nowhere'}), may they enter {tempfile.gettempdir()}, "
            "and is the limit of memory high enough?"
        )

    def _failure(self, level):
        """What a right submission can't do at this level, in a sentence, or None: no submission's fault."""
        starts = SimpleNamespace(limits=self.limits, start=lambda _: self._start(level, self._preload))
        try:
            with Session(starts, Submission("trial", source=TRIAL), PATIENCE, ["work"]) as session:
                found = session.loaded
                if isinstance(found, tuple):
                    found = session.call(Question("work", (), echo=True, trace=True))
        except SandboxError as error:  # no process can be started
            return str(error)
        if isinstance(found, Returned):
            return None
        if not isinstance(found, Raised):
            return "A right submission dies here."
        place = f" at `{found.code}`" if found.code else ""
        return f"A right submission fails here{place} ({found.kind}: {found.message[:300]})."

    def _start(self, level, packages):
        uid = next(self._uids) if is_root() else None  # never as root
        folder = new_folder(level, uid)
        message = {"folder": FOLDER if level.namespaces else folder, "uid": uid, "packages": packages}
        requests, replies, output = wide_pipe(), wide_pipe(), os.pipe()
        ours, theirs = (requests[1], replies[0], output[0]), (requests[0], replies[1], output[1])
        with contextlib.ExitStack() as if_not:
            if_not.callback(remove, os.path.dirname(folder))
            for fd in ours:
                if_not.callback(os.close, fd)
            if self._origin:
                family, memory, kill = self._fork(level, message, theirs)
            else:
                family, memory, kill = self._spawn(level, message, theirs, ours)
            if_not.pop_all()
        on_disk = None if level.namespaces else self.limits.folder_bytes
        memory += self.limits.memory_bytes
        return Process(folder, *ours, family, memory, on_disk, kill, is_fork=bool(self._origin))

    def _settings(self, level):
        return Settings(level, readable(), self._hidden, self.limits)

    def _fork(self, level, message, theirs):
        """Start a process, which reads and writes `theirs`, and close these.

        Returns the process below which all of its own are, the bytes that this holds, and what ends it.
        """
        key, pid = (threading.get_ident(), level, bool(message["packages"])), 0
        with _closing(theirs):
            for _ in range(2):
                if key not in self._servers:
                    self._servers[key] = self._origin_with(message["packages"]).new_server(
                        self._settings(level)
                    )
                server = self._servers[key]
                if pid := server.ask(message, theirs):
                    break
                self._servers.pop(key).close()  # it has just died; that is not this submission's fault
        if not pid:
            raise SandboxError("The grader can't start a process for submissions any more.")

        def kill():
            if level.namespaces:  # the id is one of the server's own namespace
                server.ask({"end": pid})
            else:
                end_family(pid, server.pid, message["uid"])

        return server.pid, server.memory_bytes, kill

    def _origin_with(self, packages):
        with self._importing:
            rich = self._rich_origin
            if packages and not (rich and os.path.exists(f"/proc/{rich.pid}")):  # none yet, or it has died
                self._rich_origin = self._origin  # should an import hang, each submission may try it
                with contextlib.suppress(SandboxError):
                    self._rich_origin = self._origin.new_origin(packages)
                    self.callback(self._rich_origin.close)
            return self._rich_origin if packages else self._origin

    def _spawn(self, level, message, theirs, ours):
        """As `_fork`, by a process with its own import of torch."""
        with _closing(theirs):
            process = popen([], **dict(zip(("stdin", "stdout", "stderr"), theirs, strict=True)))

        def kill():
            if os.name == "posix":
                end_family(process.pid, process.pid, message["uid"])
            process.kill()
            process.wait()

        try:
            send(ours[0], message | {"settings": asdict(self._settings(level))})
            wait_for(process.pid, ours[1])
        except BaseException:
            kill()
            raise
        return process.pid, memory_of([process.pid]), kill

    def _close_servers(self):
        while self._servers:
            self._servers.popitem()[1].close()


@contextlib.contextmanager
def _closing(fds):
    try:
        yield
    finally:
        for fd in fds:
            os.close(fd)
