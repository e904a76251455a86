"""What a submission's process is started with: a folder, a path and an environment of its own."""

import contextlib
import os
import site
import subprocess
import sys
import tempfile
from pathlib import Path

from ..handed_in import machine
from .inside.settings import Level

PROJECT = str(machine.PROJECT)
INSIDE = str(Path(__file__).resolve().parent / "inside")


def new_folder(level: Level, uid: int | None) -> str:
    """A folder that a submission may write to. It lies in one of the grader's, to be removed with it."""
    parent = tempfile.gettempdir()
    if is_root() and not level.namespaces:  # with them, the way there is made anew
        parent = next((path for path in (parent, "/tmp", "/var/tmp") if _anyone_enters(path)), parent)
    outer = os.path.realpath(tempfile.mkdtemp(prefix="submission-", dir=parent))
    os.chmod(outer, 0o711)  # so that it can't be moved elsewhere by another user
    folder = os.path.join(outer, "own")
    os.mkdir(folder, 0o700)
    if uid is not None:
        with contextlib.suppress(OSError):  # the trial says whether it matters
            os.chown(folder, uid, uid)
    return folder


def wide_pipe() -> tuple[int, int]:
    """As os.pipe, with room for whole batches of images: whoever writes them need not wait for who reads."""
    ends = os.pipe()
    with contextlib.suppress(ImportError, AttributeError, OSError):  # other systems, too many wide ones
        import fcntl

        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 1 << 20)
    return ends


def readable() -> list[str]:
    """The folders of Python and its packages, without the project's."""
    return sorted({*_python()} - {PROJECT} | {*library()})


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
