"""Processes: a submission's end with it, the grader's own are replaced, and all end with the grader."""

import contextlib
import operator
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.examples import EXAMPLES, RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running import forks
from tests.grading.running.answers import Died, Returned
from tests.grading.running.inside.linux import below, end_below
from tests.grading.running.process import Limits, SandboxError
from tests.grading.running.question import Question
from tests.grading.running.sandbox import Sandbox
from tests.grading.running.session import Session
from tests.grading.running.undecided import is_undecided
from tests.grading.sheet.rubric import FUNCTIONS

from .support import (
    IS_LINUX,
    LINUX,
    PROGRAMS,
    ROOT,
    end,
    eventually,
    family_of,
    grades_right,
    idle_server_of,
    output_of,
    parent_of,
    program,
    server_of,
)

HOSTILE = ("closed_descriptors", "fork_bomb", "forks", "output_flood", "sleeping_children")


@LINUX
@pytest.mark.parametrize("level", ["full", "container", "bare"])  # filter ends as bare
def test_many_in_a_row_leave_nothing_behind(request, temporary, monkeypatch, level):
    sandbox = request.getfixturevalue(level)
    assert grades_right(sandbox)
    server = idle_server_of(sandbox)

    def held():
        files = []
        for pid in (os.getpid(), server, *below(server)):
            with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
                files.append(len(os.listdir(f"/proc/{pid}/fd")))
        return files, threading.active_count(), os.listdir(temporary)

    def is_no_more_than(before):  # what an earlier test left may have ended since
        (files, threads, folders), (files_then, threads_then, folders_then) = held(), before
        no_more = len(files) == len(files_then) and all(map(operator.le, files, files_then))
        return no_more and threads <= threads_then and folders == folders_then

    before = held()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "limits", Limits(seconds=0.5))
        for source in (
            program("daemon"),
            *((EXAMPLES / f"hostile/{name}.py").read_text() for name in HOSTILE),
        ):
            grade(Submission("hostile", source=source), sandbox)
    assert grades_right(sandbox)
    assert eventually(lambda: is_no_more_than(before)), (before, held())
    assert server_of(sandbox) == server


def test_nothing_is_left_behind(sandbox, temporary):
    seconds = f"61.{os.getpid()}"  # nobody else's are mistaken for these
    source = f"import subprocess, time\nsubprocess.Popen(['sleep', '{seconds}'])\n{RIGHT}"
    assert grades_right(sandbox, source)
    assert list(temporary.iterdir()) == []
    assert eventually(lambda: not running(seconds))


def running(argument):
    """The processes of this system with `argument` on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path] if argument.encode() in path.read_bytes() else []
        except OSError:
            continue
    return found


@LINUX
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])  # Windows has no SIGKILL
def test_with_the_grader_everything_ends(temporary, name):
    seconds = f"71.{os.getpid()}"
    command = [sys.executable, PROGRAMS / "with_the_grader.py", ROOT, seconds]
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*map(str, command)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        run.stdout.readline()
        assert eventually(lambda: len(running(f"sleep\0{seconds}")) == 2)
        os.killpg(run.pid, getattr(signal, name))
    assert eventually(lambda: not running(f"sleep\0{seconds}"))
    if name == "SIGINT":
        assert list(temporary.iterdir()) == []


@LINUX
def test_a_dead_server_is_replaced(new_sandbox):
    with new_sandbox() as sandbox:
        first = server_of(sandbox)
        end(first)
        assert grades_right(sandbox)
        assert server_of(sandbox) != first


@LINUX
def test_after_an_interrupt_nobody_hears_what_another_asked(new_sandbox, monkeypatch):
    with new_sandbox() as sandbox:
        first = server_of(sandbox)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(forks, "receive", interrupted)
            sandbox.start()
        assert server_of(sandbox) != first


def interrupted(_):
    raise KeyboardInterrupt


@LINUX
def test_who_ends_with_the_graders_own_process_is_run_again_or_to_look_at(new_sandbox, full):
    def while_its_server_ends(work, seconds):
        found, servers = [], []
        thread = threading.Thread(target=lambda: (servers.append(server_of(sandbox)), found.append(work())))
        thread.start()
        assert eventually(lambda: running(f"sleep\0{seconds}"))
        end(servers[0])
        thread.join()
        return found[0]

    seconds, later = f"81.{os.getpid()}", f"82.{os.getpid()}"
    with new_sandbox(Limits(seconds=60), levels=[full.level]) as sandbox:
        source = f"import subprocess\nsubprocess.run(['sleep', '{seconds}'])\n{RIGHT}"
        assert while_its_server_ends(lambda: grades_right(sandbox, source), seconds)

        def ask():
            source = (
                f"import subprocess\ndef anomaly_score(x, r):\n    subprocess.run(['sleep', '{later}'])\n"
            )
            with Session(sandbox, Submission("x", source=source)) as session:
                return session.call(Question("anomaly_score", (np.zeros((2, 2), np.float32),) * 2))

        answer = while_its_server_ends(ask, later)
        assert answer == Died("machine") and is_undecided(answer)


@LINUX
def test_where_the_origin_is_dead_too_nobody_is_graded():
    with Sandbox() as sandbox:  # with an origin of its own
        server = server_of(sandbox)
        for pid in (server, parent_of(server)):
            end(pid)
        with pytest.raises(SandboxError):
            output_of(sandbox, "")


@LINUX
def test_who_waits_for_a_processor_is_not_out_of_time(sandbox):
    compute = "import time\nwhile time.process_time() - START < 0.15:\n    pass\n"
    source = f"import time\nSTART = time.process_time()\n{compute}{RIGHT}"
    rivals = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(5 * os.cpu_count())]
    try:
        with Session(sandbox, Submission("slow", source=source), seconds=0.5) as session:
            assert session.loaded == tuple(FUNCTIONS.values())
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()


@LINUX
def test_threads_share_what_is_imported_and_known_of_the_machine(new_sandbox):
    with new_sandbox() as sandbox:
        found = [server_of(sandbox)]
        thread = threading.Thread(
            target=lambda: found.extend([output_of(sandbox, "print(1)"), server_of(sandbox)])
        )
        thread.start(), thread.join(60)
        first, output, second = found
        assert output == "1\n" and first != second
        assert {first, second} <= family_of(sandbox)
    assert eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in (first, second)))


@LINUX
def test_what_somebody_imports_is_imported_once_for_all_who_import_it(new_sandbox):
    source = "import sys\nprint(sorted({'torch', 'scipy', 'sklearn'} & {*sys.modules}))\n"
    with new_sandbox(Limits(seconds=60), ["scipy"]) as sandbox:
        assert output_of(sandbox, f"{source}import scipy") == "['scipy', 'torch']\n"
        assert output_of(sandbox, source) == "['torch']\n"


@LINUX
def test_the_process_with_more_packages_is_one_for_all_threads_and_may_die(new_sandbox, monkeypatch):
    made, new_origin = [], forks.Server.new_origin
    monkeypatch.setattr(forks.Server, "new_origin", lambda *of: made.append(new_origin(*of)) or made[-1])
    with new_sandbox(Limits(seconds=60), ["scipy"]) as sandbox:
        assert output_of(sandbox, "import scipy") == ""
        thread = threading.Thread(target=output_of, args=(sandbox, "import scipy"))
        thread.start(), thread.join(60)
        assert len(made) == 1
        end_below(made[0].pid)  # the servers that were forked from it
        end(made[0].pid)
        assert output_of(sandbox, "import scipy\nprint(1)") == "1\n" and len(made) == 2


def test_spawning_where_nothing_can_fork(temporary):
    source = f"{RIGHT}\n{program('children_with_memory')}"
    arguments = (np.zeros((2, 2), np.float32),) * 5
    with Sandbox(Limits(memory_bytes=512 << 20), fork=False) as sandbox:
        with Session(sandbox, Submission("many", source=source), seconds=1) as session:  # once torch is there
            assert session.loaded == tuple(FUNCTIONS.values())
            assert isinstance(session.call(Question("anomaly_score", arguments[:2])), Returned)
            if IS_LINUX:
                answer = session.call(Question("get_objective_term", arguments))
                assert answer in (Died("memory"), Died("time"))
        assert sandbox.level.name == "bare"
    assert list(temporary.iterdir()) == []
