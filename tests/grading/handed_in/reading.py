"""What was handed in, as submissions: asks a process of its own, which reads it (reader_process.py)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

from .machine import PROJECT
from .submission import Submission


def read_download(
    paths: Iterable[str | os.PathLike], layout: str | None = None
) -> tuple[list[Submission], list[str]]:
    """The submissions at `paths`, and the names of files in between that are nobody's.

    `paths` are files, archives, folders of one person, or of many.

    Args:
        layout: the name of a system (systems.LAYOUTS), where the names don't tell it.

    Raises:
        FileNotFoundError: a path that doesn't exist, or a folder without any submission.
    """
    asked = {"paths": list(map(os.fspath, paths)), "layout": layout}
    said = _ask(asked)
    if "submissions" not in said:
        died = "what was handed in can't be read: the process that reads it has died"
        raise FileNotFoundError(said.get("refused", died))
    return [Submission(**one) for one in said["submissions"]], said["passed_over"]


def find_one(path: str | os.PathLike, name: str = "submission") -> Submission:
    """What one person handed in, whatever it is: a file, a folder, or nothing. Never raises."""
    if not os.path.lexists(path):
        return Submission(name, problem="Nothing was handed in.")
    for one in _ask({"paths": [os.fspath(path)], "name": name}).get("submissions", ()):
        return Submission(**one)
    return Submission(name, problem="What was handed in can't be read.", needs_human=True)


_PROGRAM = f"""
import sys
sys.path[:0] = sys.argv[1:2]
sys.path += sys.argv[2:]
from {__package__}.reader_process import main
main()
"""


def _ask(message):
    """What the reader answers; nothing if it has died in between."""
    # Isolated from the folder that the grader is called in; packages are where this process has them.
    command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _PROGRAM]
    process = subprocess.Popen(
        [*command, os.fspath(PROJECT), *filter(os.path.isabs, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the grader, which then ends it
    )
    try:
        return json.loads(process.communicate(json.dumps(message).encode())[0])
    except ValueError:
        return {}
    except BaseException:  # an interrupt, say: nothing is left behind
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        raise
