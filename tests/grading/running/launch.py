"""Starts processes for submissions, each with a folder, a user, a path and an environment of its own."""

import contextlib
import itertools
import os
import site
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ..handed_in import machine
from .inside.namespaces import FOLDER
from .inside.settings import Level, Limits, Settings
from .inside.wire import READY
from .process import Process, SandboxError, end_family, memory_of, remove

PROJECT = str(machine.PROJECT)
INSIDE = str(Path(__file__).resolve().parent / "inside")
PATIENCE = 120  # seconds for torch to be imported, on whatever machine


class Starter:
    """Starts a new process for each submission, with its own import of torch. `Forks` are cheaper.

    Neither knows whether a level works; `sandbox.py` finds that out.
    """

    forks = False

    def __init__(self, limits: Limits, preload: list[str], hidden: list[str]):
        self.limits, self.preload, self._hidden = limits, preload, hidden
        first = 30_000 + os.getpid() % 300 * 100  # below 65,536: containers often know no higher ones
        self._uids = itertools.cycle(range(first, first + 100))

    def start(self, level: Level) -> Process:
        """A fresh process that has imported torch and what is preloaded: no author's time is spent on that.

        Raises:
            SandboxError: no process can be started, or not at this level.
        """
        folder, settings = self._new_settings(level)
        requests, replies, output = os.pipe(), os.pipe(), os.pipe()
        ours, theirs = (requests[1], replies[0], output[0]), (requests[0], replies[1], output[1])
        with contextlib.ExitStack() as if_not:
            if_not.callback(remove, os.path.dirname(folder))
            for fd in ours:
                if_not.callback(os.close, fd)
            family, memory, kill = self._begin(settings, theirs, replies[0])
            if_not.pop_all()
        on_disk = None if level.namespaces else self.limits.folder_bytes
        return Process(folder, *ours, family, self.limits.memory_bytes + memory, on_disk, kill, self.forks)

    def _begin(self, settings, theirs, replies):
        """Start a process, which reads and writes `theirs`, and close these.

        Returns the process below which all of its own are, the bytes that this holds, and what ends it.
        """
        try:
            process = popen(
                ["serve", settings.to_json(), *self.preload],
                **dict(zip(("stdin", "stdout", "stderr"), theirs, strict=True)),
            )
        finally:
            for fd in theirs:
                os.close(fd)

        def kill():
            if os.name == "posix":
                end_family(process.pid, process.pid, settings.uid)
            process.kill()
            process.wait()

        too_late = threading.Timer(PATIENCE, process.kill)
        too_late.start()
        try:
            if os.read(replies, 1) != READY:
                raise SandboxError(NO_TORCH)
        except BaseException:
            kill()
            raise
        finally:
            too_late.cancel()
        return process.pid, memory_of([process.pid]), kill

    def _new_settings(self, level: Level) -> tuple[str, Settings]:
        """A folder that a submission may write to, and what its process is told."""
        parent = tempfile.gettempdir()
        if is_root() and not level.namespaces:  # with them, the way there is made anew
            parent = next((path for path in (parent, "/tmp", "/var/tmp") if _anyone_enters(path)), parent)
        outer = os.path.realpath(tempfile.mkdtemp(prefix="submission-", dir=parent))
        os.chmod(outer, 0o711)  # and its own folder in it: it can't be moved elsewhere by another user
        folder = os.path.join(outer, "own")
        os.mkdir(folder, 0o700)
        uid = next(self._uids) if is_root() else None  # never as root
        if uid is not None:
            with contextlib.suppress(OSError):  # the trial says whether it matters
                os.chown(folder, uid, uid)
        return folder, Settings(
            level=level,
            folder=FOLDER if level.namespaces else folder,
            uid=uid,
            library=tuple(sorted({*_python()} - {PROJECT} | {*library()})),
            hidden=tuple(self._hidden),
            limits=self.limits,
        )


NO_TORCH = (
    "The grader can't start a process that imports torch. Does `python -c 'import torch'` work, and in time?"
)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def library() -> list[str]:
    """The folders of the standard library and of installed packages on the path, and no others."""
    homes = [*_python(), *map(os.path.realpath, (site.getusersitepackages(), *site.getsitepackages()))]
    # Without links: what a link names may be hidden, and then so is what it leads to.
    paths = [os.path.realpath(path) for path in sys.path if os.path.isdir(path)]
    # The project may lie in the environment's folder, or the environment in the project's.
    return [p for p in dict.fromkeys(paths) if _depth_in(p, homes) > _depth_in(p, [PROJECT])]


def _python():
    return [os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)]


def _depth_in(path, folders):
    return max(
        (len(f) for f in folders if path == f or path.startswith(f.rstrip(os.sep) + os.sep)), default=0
    )


def _anyone_enters(path):
    path = os.path.realpath(path)
    return all(os.stat(one).st_mode & 1 for one in (path, *map(str, Path(path).parents)))


def popen(arguments: list[str], **options) -> subprocess.Popen:
    """A process that runs inside/main.py with these arguments."""
    # Isolated mode keeps the project off the path; the packages are found where this process finds them.
    start = (
        f"import sys; sys.path[:] = {library()!r}\n"
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('inside', {INSIDE!r} + '/__init__.py')\n"
        "sys.modules['inside'] = module_from_spec(spec)\n"
        "spec.loader.exec_module(sys.modules['inside'])\n"
        "from inside import main\n"
        "main.main()"
    )
    return subprocess.Popen(
        [sys.executable, "-I", "-B", "-X", "utf8", "-c", start, *arguments],
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the grader, which then ends all that it has started
        **options,
    )


def _environment() -> dict[str, str]:
    """The variables that it sees: none of the grader's own but those that a system needs."""
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATHEXT", "COMSPEC")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PATH": os.defpath,
        "HOME": os.path.expanduser("~"),  # for what is imported; a submission has one of its own
        "MPLBACKEND": "Agg",  # plots go nowhere
        "CUDA_VISIBLE_DEVICES": "",  # on all machines alike, there is none
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Freed memory is kept, and new one comes in 2 MiB: single pages cost forks and calls the most.
        "MALLOC_TRIM_THRESHOLD_": "67108864",
        "MALLOC_MMAP_THRESHOLD_": "67108864",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile needs a compiler, and changes no value
    }
