"""What submissions are kept from, with all protections and with those that a container leaves."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import torch

from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running import forks, launch, trial
from tests.grading.running import sandbox as sandboxes
from tests.grading.running.answers import Died, Raised
from tests.grading.running.inside.confine import below
from tests.grading.running.inside.mounts import FOLDER
from tests.grading.running.process import Limits, SandboxError, memory_of, remove
from tests.grading.running.sandbox import Sandbox
from tests.grading.running.session import Session
from tests.grading.sheet.rubric import TOTAL

ROOT = Path(__file__).parents[2]
RIGHT = (ROOT / "tests" / "submissions" / "right" / "plain.py").read_text()
ROOT_ONLY = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="root on Linux"
)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux")
PATIENT = Limits(seconds=60)  # for what is no test of a limit: some machines are slow


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(seconds=5, memory_bytes=512 << 20)) as sandbox:
        output_of(sandbox, "")  # now it is known what can be had
        yield sandbox


def output_of(sandbox, source):
    with Session(sandbox, Submission("test", source=source)) as session:
        session.close()
    return session.output


@pytest.fixture
def temporary(monkeypatch):
    """A TMPDIR of the test's own that a submission's user can enter, other than pytest's."""
    folder = tempfile.mkdtemp(dir="/tmp" if os.name == "posix" else None)
    os.chmod(folder, 0o755)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    yield Path(folder)
    remove(folder)


# Refuses what most containers refuse, to itself and to all that it starts; and if asked to, what few do.
REFUSE = """
refused = ["unshare", "setns", "mount", "umount2"]
seccomp._REFUSED = {{name: seccomp._REFUSED[name] for name in refused}}
if {all}:
    seccomp._REFUSED |= {{"landlock_create_ruleset": (444, 444), "seccomp": (317, 277)}}
seccomp.refuse()
seccomp.program.cache_clear()
"""


def refusing(command, all):
    """The fork server's command, with namespaces refused to it, or all."""

    def changed(settings):
        python, *options, code, plain = command(settings)
        first = "from inside import seccomp\nbefore = seccomp._REFUSED" + REFUSE.format(all=all)
        first += "seccomp._REFUSED = before\nfrom inside import server\n"
        return [python, *options, code.replace("from inside import server\n", first), plain]

    return changed


@contextlib.contextmanager
def poor(all):
    with Sandbox(Limits(seconds=5, memory_bytes=512 << 20)) as sandbox:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forks, "command", refusing(forks.command, all))
            output_of(sandbox, "")
        assert not set(sandbox.protections) & {"processes", "files", "network"}
        yield sandbox


@pytest.fixture(scope="module")
def contained():
    """As in a container."""
    with poor(all=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def bare():
    """Where nothing at all can be had."""
    with poor(all=True) as sandbox:
        yield sandbox


@pytest.fixture(params=["contained", "bare"])
def poor_sandbox(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["sandbox", "contained", "bare"])
def any_sandbox(request):
    return request.getfixturevalue(request.param)


def with_fewer(sandbox, monkeypatch, *missing):
    """From here on, without these protections."""
    output_of(sandbox, "")  # now it is known what can be had
    fewer = [name for name in sandbox.protections if name not in missing]
    monkeypatch.setitem(sandbox._ways, False, fewer)


def eventually(condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def needs(sandbox, protection):
    if protection not in sandbox.protections:
        pytest.skip(sandboxes.MISSING.get(protection, protection))


REFUSED = (
    """
import os, sys
sys.path.insert(0, {root!r})
from tests.grading.running.inside import seccomp
if {uid}:
    os.setgroups([]); os.setresgid({uid}, {uid}, {uid}); os.setresuid({uid}, {uid}, {uid})
"""
    + REFUSE
    + """
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
)


@LINUX
@pytest.mark.parametrize("uid", [0, 60_001])
@pytest.mark.parametrize("all", [False, True])
def test_where_namespaces_are_refused_it_grades_all_the_same(tmp_path, uid, all):
    if uid and (os.geteuid() != 0 or not os.access(ROOT, os.R_OK)):
        pytest.skip("only root can become another user")
    (tmp_path / "anna.py").write_text(RIGHT)
    (tmp_path / "ben.py").write_text(RIGHT.replace("relu", "sigmoid"))
    tmp_path.chmod(0o755)
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o777)
    command = [sys.executable, "-c", REFUSED.format(root=str(ROOT), uid=uid, all=all)]
    command += ["-m", "tests.grading", str(tmp_path)]
    environment = os.environ | {"TMPDIR": str(folder)}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)
    if uid and "Permission denied" in run.stdout + run.stderr:
        pytest.skip("another user can't read this environment")
    assert "mean" in run.stdout, run.stdout + run.stderr
    assert [int(n) for n in run.stdout.split("anna")[1].split()[:4]] == [15, 10, 10, 35]
    for name in ("processes", "files", "network", "calls"):
        assert (sandboxes.MISSING[name] in run.stdout) == all  # else something does instead
    assert list(folder.glob("submission-*")) == []


@LINUX
@pytest.mark.parametrize("missing", ["files", "network", "calls"])
def test_a_protection_that_is_refused_falls_away_alone(missing, sandbox, monkeypatch, temporary):
    needs(sandbox, missing)
    before = set(sandbox.missing)
    with_fewer(sandbox, monkeypatch, missing)
    found = grade(Submission("right", source=RIGHT), sandbox)
    assert found.total == TOTAL
    instead = {name for name, other in sandboxes.INSTEAD.items() if other in sandbox.protections}
    assert set(found.unprotected) - before == {sandboxes.MISSING[missing]} - {
        sandboxes.MISSING[n] for n in instead
    }


@LINUX
def test_what_does_not_work_together_falls_away(monkeypatch):
    tried = trial.trouble
    failing = {"files", "calls"}
    monkeypatch.setattr(trial, "trouble", lambda s, way, m: "No." if failing & {*way} else tried(s, way, m))
    with Sandbox(Limits(seconds=5)) as sandbox:
        assert grade(Submission("right", source=RIGHT), sandbox).total == TOTAL
        assert sandboxes.MISSING["calls"] in sandbox.missing
        assert not failing & {*sandbox.protections}


@pytest.mark.parametrize("fork", [True, False])
def test_where_a_right_submission_fails_nobody_is_graded(monkeypatch, fork):
    monkeypatch.setitem(trial.STEPS, "prints a tensor", ("torch", "import nothing_like_this"))
    with Sandbox(Limits(seconds=5), fork=fork) as sandbox, pytest.raises(SandboxError) as caught:
        grade(Submission("right", source=RIGHT), sandbox)
    assert str(caught.value).startswith(
        "A right submission that prints a tensor fails here "
        "(ModuleNotFoundError(\"No module named 'nothing_like_this'\")). So nobody is graded."
    )


def test_where_plots_fail_who_plots_loses_nothing_and_others_no_protection(monkeypatch):
    monkeypatch.setitem(trial.STEPS, "plots", ("matplotlib", "import nothing_like_this"))
    with Sandbox(Limits(seconds=5), ["matplotlib.pyplot"]) as sandbox:
        assert grade(Submission("right", source=RIGHT), sandbox).total == TOTAL
        before = list(sandbox.protections)
        with pytest.raises(SandboxError) as caught:
            grade(Submission("right", source=f"import matplotlib.pyplot\n{RIGHT}"), sandbox)
        assert sandbox.protections == before
        assert grade(Submission("right", source=RIGHT), sandbox).unprotected == tuple(sandbox.missing)
    assert str(caught.value).startswith(
        "A right submission that plots fails here "
        "(ModuleNotFoundError(\"No module named 'nothing_like_this'\")). So the grading ends here."
    )


def test_what_is_not_installed_is_not_tried(monkeypatch):
    monkeypatch.setitem(trial.STEPS, "flies", ("nothing_like_this", "import nothing_like_this"))
    with Sandbox(Limits(seconds=5)) as sandbox:
        output_of(sandbox, "")
        assert trial.trouble(sandbox._starter, sandbox.protections, ["nothing_like_this"]) is None


@LINUX
def test_what_few_import_is_imported_once_and_for_them_alone(sandbox):
    source = "import sys\nprint(sorted({'torch', 'scipy', 'sklearn'} & {*sys.modules}))\n"
    with Sandbox(PATIENT, ["scipy"]) as sandbox:
        assert output_of(sandbox, source) == "['torch']\n"
        assert output_of(sandbox, f"{source}import scipy") == "['scipy', 'torch']\n"
        assert output_of(sandbox, f"{source}import sklearn") == "['torch']\n"


@LINUX
def test_threads_share_what_is_imported_and_known_of_the_machine():
    with Sandbox(Limits(seconds=5)) as sandbox:
        output_of(sandbox, "")
        pids = [sandbox._starter._server().pid]
        thread = threading.Thread(
            target=lambda: pids.extend([output_of(sandbox, "print(1)"), sandbox._starter._server().pid])
        )
        thread.start(), thread.join(60)
        first, output, second = pids
        assert output == "1\n" and first != second
        assert {first, second} <= {*below(sandbox._starter._origin._process.pid)}
    assert eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in (first, second)))


PROBE = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
print("devices", sorted(os.listdir("/dev")))
print("sys", os.listdir("/sys"))
print("terminals", os.path.exists("/dev/pts"))
calls = dict(
    keyctl=250, add_key=248, memfd_create=319, shmget=29, ptrace=101, unshare=272, socket=41, socketpair=53,
    open_by_handle_at=304, mq_open=240, pidfd_getfd=438, io_setup=206, landlock_create_ruleset=444,
)
for name, number in calls.items():
    print(name, libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno())
try:
    socket.socket(40, socket.SOCK_STREAM)
    print("vsock open")
except OSError:
    print("vsock closed")
print("status", [line for line in open("/proc/self/status")] if os.path.exists("/proc/self") else "hidden")
print("privileges", libc.prctl(39, 0, 0, 0, 0))
print("clone", libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0))
"""


@LINUX
def test_devices_keys_and_new_privileges_are_out_of_reach(sandbox):
    needs(sandbox, "files")
    needs(sandbox, "calls")
    output = output_of(sandbox, PROBE)
    assert "devices ['full', 'null', 'random', 'shm', 'urandom', 'zero']" in output
    assert "sys []" in output and "terminals False" in output and "status hidden" in output
    assert "vsock closed" in output and "privileges 1" in output
    if os.uname().machine == "x86_64":
        assert output.count(" -1 1\n") == 13  # EPERM, and no complaint about the arguments


NUMBERS = """
import os
for fd in range(3, 1024):
    try:
        os.fstat(fd)
        print(fd)
    except OSError:
        pass
"""


@pytest.mark.skipif(os.name != "posix", reason="no such numbers")
def test_no_file_of_the_servers_stays_open(sandbox):
    assert [int(line) >= 700 for line in output_of(sandbox, NUMBERS).split()] == [True, True]


EMPTY_FILES = """
import os
def fill(folder):
    made = 0
    try:
        for made in range(20_000):
            open(os.path.join(folder, str(made)), "w").close()
    except OSError:
        pass
    return made
print([fill(folder) < 10_000 for folder in (".", "/tmp", "/var", "/dev/shm", "/proc")])
"""


@LINUX
def test_empty_files_can_not_fill_the_memory(sandbox):
    needs(sandbox, "files")
    assert output_of(sandbox, EMPTY_FILES).strip() == str([True] * 5)


@pytest.mark.parametrize("project", ["env-sheet", "env/sheet", "env", "."])
def test_the_project_is_no_library_wherever_it_lies(tmp_path, monkeypatch, project):
    tmp_path = Path(os.path.realpath(tmp_path))
    packages = tmp_path / "env" / "lib" / "site-packages"
    (tmp_path / project / "tests").mkdir(parents=True)
    packages.mkdir(parents=True)
    monkeypatch.setattr(launch, "PROJECT", str(tmp_path / project))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setattr(launch.site, "getsitepackages", lambda: [str(packages)])
    monkeypatch.setattr(
        sys, "path", [str(tmp_path / project), str(tmp_path / project / "tests"), str(packages)]
    )
    assert launch.library() == [str(packages)]


def test_however_many_folders_are_hidden(temporary):
    many = [str(temporary / f"{i:0200}") for i in range(2000)]
    with Sandbox(Limits(seconds=5), hidden=many) as sandbox:
        assert grade(Submission("right", source=RIGHT), sandbox).total == TOTAL


def test_what_is_hidden_stays_hidden_inside_what_is_kept():
    # As if the project lay below the environment's own folder, or grades below /usr.
    if not os.access(sys.prefix, os.W_OK):
        pytest.skip("nothing can be written there")
    secret = tempfile.mkdtemp(dir=os.path.realpath(sys.prefix))
    try:
        Path(secret, "grades.csv").write_text("anna,35")
        with Sandbox(Limits(seconds=5), hidden=[secret]) as sandbox:
            output = output_of(sandbox, f"import os\nprint(os.listdir({secret!r}))")
            needs(sandbox, "files")
    finally:
        remove(secret)
    assert output.strip() == "[]"


DEEP = """
import os
for _ in range(1500):
    os.mkdir("d")
    os.chdir("d")
"""
LOCKED = "import os\nos.makedirs('a/b')\nopen('a/b/c', 'w').close()\nos.chmod('a/b', 0)\nos.chmod('a', 0)\n"
MANY = """
for i in range(100_000):
    try:
        open(str(i), "w").close()
    except OSError:
        break
"""
FULL = """
for i in range(100):
    try:
        open(str(i), "wb").write(bytes(8 << 20))
    except OSError:
        print("full after", i)
        break
"""


@LINUX
@pytest.mark.parametrize("source", [DEEP, LOCKED, MANY, FULL], ids=["deep", "locked", "many", "full"])
@pytest.mark.parametrize("files", [True, False])
def test_nothing_is_left_of_a_folder_however_it_was_filled(sandbox, monkeypatch, temporary, source, files):
    if files:
        needs(sandbox, "files")
    else:
        with_fewer(sandbox, monkeypatch, "files")
    with Session(sandbox, Submission("test", source=source + "\nprint('done')")) as session:
        pass
    assert list(temporary.iterdir()) == []
    if source in (MANY, FULL) and not files:
        assert session.loaded in (Died("disk"), Died("time"))  # a slow disk isn't full in time
    else:
        assert "done" in session.output
    if source == FULL and files:
        assert "full after" in session.output


def test_a_submission_of_bottomless_folders_ends_only_itself(sandbox):
    grades = [grade(Submission("one", source=source), sandbox) for source in (RIGHT + DEEP, RIGHT)]
    assert grades[1].total == TOTAL


CHILDREN = """
import os, time
import torch
def get_objective_term(x, V, W, b, a):
    for _ in range(4):
        if os.fork() == 0:
            held = torch.ones(60 << 20)  # 240 MiB
            time.sleep(60)
            os._exit(0)
    time.sleep(4)
    return ((x - (torch.relu(x @ V + b) @ W + a)) ** 2).sum(1).mean()
"""


@LINUX
def test_memory_is_counted_over_all_processes(sandbox):
    found = grade(Submission("many", source=CHILDREN), sandbox)
    needs(sandbox, "processes")
    assert found.total == 0
    assert "memory" in {result.mistake for result in found.results}
    assert "all its processes together" in found.results[0].reason


def test_a_long_answer_is_cut(sandbox):
    source = RIGHT + "\nclass E(Exception): pass\nE.__name__ = 'E' * 20_000_000"
    source += "\ndef anomaly_score(x, r):\n    raise E('x' * 20_000_000)\n"
    found = grade(Submission("long", source=source), sandbox)
    assert found.total == 25
    assert all(len(r.reason or "") < 1000 and len(r.mistake or "") < 500 for r in found.results)


@ROOT_ONLY
@pytest.mark.parametrize("fork", [True, False])
def test_never_as_root(monkeypatch, fork):
    tried = trial.trouble
    monkeypatch.setattr(trial, "trouble", lambda s, *m: tried(s, *m) if not s._as_user else "No.")
    with Sandbox(Limits(seconds=5), fork=fork) as sandbox, pytest.raises(SandboxError, match="nobody"):
        sandbox.start()


@LINUX
def test_a_strict_umask_costs_no_protection(sandbox):
    before = os.umask(0o077)
    try:
        with Sandbox(Limits(seconds=5)) as strict:
            output_of(strict, "")
    finally:
        os.umask(before)
    assert strict.protections == sandbox.protections


@ROOT_ONLY
@pytest.mark.parametrize("mask", [0o027, 0o077])
def test_what_only_root_may_enter(any_sandbox, tmp_path, monkeypatch, mask):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(mask)
    try:
        source = f"import torch\nprint(torch.ones(2))\n{RIGHT}"
        assert grade(Submission("right", source=source), any_sandbox).total == TOTAL
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


@ROOT_ONLY
def test_what_only_root_may_import(monkeypatch):
    if not os.access(sys.prefix, os.W_OK):
        pytest.skip("nothing can be written there")
    folder = tempfile.mkdtemp(dir=os.path.realpath(sys.prefix))  # mode 700
    try:
        Path(folder, "roots_own.py").write_text("")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setitem(trial.STEPS, "imports root's", ("torch", "import roots_own"))
        with Sandbox(Limits(seconds=5)) as sandbox:
            found = grade(Submission("right", source=f"import roots_own\n{RIGHT}"), sandbox)
    finally:
        remove(folder)
    assert found.total == TOTAL
    assert sandboxes.MISSING["reading"] in found.unprotected


@LINUX
def test_an_environment_behind_a_link_costs_no_protection(sandbox, monkeypatch, tmp_path):
    needs(sandbox, "files")
    link = tmp_path / "environment"
    link.symlink_to(sys.prefix)
    paths = [p.replace(sys.prefix, str(link)) for p in sys.path]
    monkeypatch.setattr(sys, "path", paths)
    monkeypatch.setattr(sys, "prefix", str(link))
    with Sandbox(Limits(seconds=5)) as linked:
        output_of(linked, "")
        assert linked.protections == sandbox.protections


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
"""


@LINUX
def test_without_namespaces_a_daemon_ends_with_its_submission(poor_sandbox):
    before = len(below(poor_sandbox._starter._server().pid))
    output_of(poor_sandbox, DAEMON)
    assert eventually(lambda: len(below(poor_sandbox._starter._server().pid)) == before)
    assert grade(Submission("next", source=RIGHT), poor_sandbox).total == TOTAL


REACH = """
import os, resource, signal, socket
def attempt(name, action):
    try:
        action()
        print(name, "done")
    except OSError as error:
        print(name, "refused")
attempt("solution", lambda: open({root!r} + "/solution.py"))
attempt("list", lambda: os.listdir({root!r}))
attempt("elsewhere", lambda: open({temporary!r} + "/left", "w"))
attempt("memory", lambda: open("/proc/{grader}/mem", "r+b"))
attempt("environment", lambda: open("/proc/{grader}/environ"))
attempt("signal", lambda: os.kill({grader}, 0))
attempt("all", lambda: os.kill(-1, 0))
attempt("limits", lambda: resource.prlimit({grader}, resource.RLIMIT_CPU))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, {grader}, 19))
attempt("network", lambda: socket.socket())
attempt("own signal", lambda: os.kill(os.getpid(), 0))
attempt("own file", lambda: open("mine", "w"))
os.chmod({temporary!r}, 0)
import torch
os.fchmod(os.open(torch.__file__, os.O_RDONLY), 0)
"""


@LINUX
def test_without_namespaces_nothing_of_others_is_reached(poor_sandbox, temporary):
    needs(poor_sandbox, "paths")
    needs(poor_sandbox, "calls")
    mode = os.stat(torch.__file__).st_mode
    os.chmod(temporary, 0o777)
    source = REACH.format(root=str(ROOT), temporary=str(temporary), grader=os.getpid())
    with Session(poor_sandbox, Submission("reaching", source=source)) as session:
        session.close()
    done = [line for line in session.output.splitlines() if not line.endswith(" refused")]
    assert done == ["own signal done", "own file done"]
    assert session.loaded == ()
    assert os.stat(temporary).st_mode & 0o777 == 0o777
    assert os.stat(torch.__file__).st_mode == mode


UNLINKED = """
import os
held = []
for i in range(100):
    held.append(open(str(i), "wb"))
    os.unlink(str(i))
    held[-1].write(bytes(8 << 20))
    held[-1].flush()
"""
UNREADABLE = """
import os
os.mkdir("a", 0o300)
for i in range(100):
    open(f"a/{i}", "wb").write(bytes(8 << 20))
"""


@LINUX
@pytest.mark.parametrize("source", [UNLINKED, UNREADABLE, FULL], ids=["unlinked", "unreadable", "full"])
def test_without_namespaces_a_disk_is_bounded_too(poor_sandbox, temporary, source):
    loop = source.replace("range(100)", "iter(int, 1)")
    with Session(poor_sandbox, Submission("filling", source=loop)) as session:
        assert session.loaded in (Died("disk"), Died("time"))
    assert eventually(lambda: list(temporary.iterdir()) == [])


HOSTILE = sorted((ROOT / "tests" / "submissions" / "hostile").glob("*.py"))
IN_A_ROW = [DEEP, LOCKED, MANY, DAEMON, *(path.read_text("latin-1") for path in HOSTILE[::3])]


@LINUX
def test_many_in_a_row_leave_nothing_behind(any_sandbox, temporary, monkeypatch):
    monkeypatch.setattr(any_sandbox, "limits", Limits(seconds=1))
    assert grade(Submission("right", source=RIGHT), any_sandbox).total == TOTAL
    server = any_sandbox._starter._server().pid

    def held():
        family = [server, *below(server)]
        files = [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), *family)]
        return files, threading.active_count(), os.listdir(temporary)

    time.sleep(1)  # what the system still tidies up
    before = held()
    for source in IN_A_ROW:
        grade(Submission("hostile", source=source), any_sandbox)
        found = grade(Submission("right", source=RIGHT), any_sandbox)
        assert found.total == TOTAL, source
    assert eventually(lambda: held() == before), (before, held())
    assert any_sandbox._starter._server().pid == server


MOVED = """
import os
here = os.getcwd()
os.chdir("/")
os.rename(here, os.path.join({temporary!r}, "moved"))
"""


@ROOT_ONLY
def test_no_folder_is_moved_away(any_sandbox, temporary):
    os.chmod(temporary, 0o1777)
    with Session(any_sandbox, Submission("moving", source=MOVED.format(temporary=str(temporary)))) as session:
        assert isinstance(session.loaded, Raised)
    assert list(temporary.iterdir()) == []


ENDED = """
import sys, time
sys.path.insert(0, {root!r})
from tests.grading.running.sandbox import Sandbox
from tests.grading.running.session import Session
from tests.grading.handed_in.submission import Submission
source = "import os\\nos.system('setsid sleep 71.5 &')\\nos.write(1, b'runs')\\nos.system('sleep 71.5')"
with Sandbox() as sandbox:
    sandbox.start().end()
    print("ready", flush=True)
    Session(sandbox, Submission("endless", source=source), seconds=100)
"""


@LINUX
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])  # Windows has no SIGKILL
def test_with_the_grader_everything_ends(temporary, name):
    number = getattr(signal, name)

    def running():
        return [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"71.5" in content(p)]

    def content(path):
        try:
            return path.read_bytes()
        except OSError:
            return b""

    command = [sys.executable, "-c", ENDED.format(root=str(ROOT))]
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        run.stdout.readline()
        assert eventually(lambda: len(running()) >= 2)
        os.killpg(run.pid, number)
    assert eventually(lambda: running() == [])
    if name == "SIGINT":
        assert list(temporary.iterdir()) == []


HIDDEN_MEMORY = """
import ctypes, time
import torch
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody may look
held = [torch.ones(20 << 20) for _ in range(6)]
"""


@LINUX
def test_memory_that_nobody_may_look_at_is_counted(sandbox):
    with Session(sandbox, Submission("hidden", source=HIDDEN_MEMORY)):
        assert memory_of(below(sandbox._starter._server().pid)) > 480 << 20


DOCKER = """
import os, sys, time
sys.path.insert(0, {root!r})
from tests.grading.running.inside.confine import _keep_capabilities
from tests.grading.running.process import disk_of
pid = os.fork()
if pid == 0:
    os.setresgid(30000, 30000, 30000)
    os.setresuid(30000, 30000, 30000)
    time.sleep(60)
time.sleep(0.5)
had = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
_keep_capabilities(int(had, 16) & 0xFFFFFFFF & ~(1 << 19))  # no CAP_SYS_PTRACE
try:
    print(disk_of({folder!r}, [pid], 1 << 20))
finally:
    os.kill(pid, 9)
"""


@ROOT_ONLY
def test_where_root_may_not_look_the_disk_is_not_full(tmp_path):
    code = DOCKER.format(root=str(ROOT), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


SHARED_OBJECTS = """
import ctypes, platform
from inside.seccomp import _REFUSED
libc, column = ctypes.CDLL(None, use_errno=True), platform.machine() == "aarch64"
for name in ("shmctl", "msgctl", "msgsnd", "msgrcv", "semctl", "semop", "semtimedop", "mq_unlink"):
    print(libc.syscall(_REFUSED[name][column], 1, 0, 0, 0, 0), ctypes.get_errno())
"""


@LINUX
def test_objects_that_users_share_are_out_of_reach(sandbox):
    needs(sandbox, "calls")
    assert output_of(sandbox, SHARED_OBJECTS).splitlines() == ["-1 1"] * 8


@ROOT_ONLY
def test_the_systems_folders_are_read_only(sandbox):
    needs(sandbox, "files")
    folder = tempfile.mkdtemp(dir="/usr/local")
    os.chmod(folder, 0o777)
    try:
        source = f"try:\n    open({folder!r} + '/x', 'w')\nexcept OSError as error:\n    print(error.errno)"
        assert output_of(sandbox, source) == "30\n"  # EROFS
    finally:
        remove(folder)


LEAVE_SOMETHING = """
import os
for folder in ("/", "/dev", "/home", "/proc", "/sys", "/tmp", "/var", "/usr/lib", "/dev/shm", os.getcwd()):
    try:
        print(folder, os.listdir(folder).count("left"), end=" ")
        open(f"{folder}/left", "w").close()
        print("written")
    except OSError:
        print()
"""


@LINUX
def test_nothing_is_left_for_the_next(sandbox):
    needs(sandbox, "files")
    first, second = output_of(sandbox, LEAVE_SOMETHING), output_of(sandbox, LEAVE_SOMETHING)
    assert first == second
    assert [line.split()[0] for line in first.splitlines() if "written" in line] == ["/dev/shm", FOLDER]


PRINT_WORLD = """
import os, sys
def readable(path):
    try:
        return bool(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError:
        return False
print("files", readable({root!r}), readable({home!r}))
print("process", os.getpid())
print("environment", sorted(os.environ))
print("path", [p for p in sys.path if "tests" in p or p == {root!r}])
ours = ("tests", "solution", "data", "_pytest", "pytest")
print("modules", [m for m in sys.modules if m.split(".")[0] in ours])
"""


def test_isolation(any_sandbox, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "1")
    source = PRINT_WORLD.format(root=str(ROOT / "solution.py"), home=str(ROOT / "tests"))
    lines = dict(line.split(" ", 1) for line in output_of(any_sandbox, source).splitlines())
    assert "SECRET_TOKEN" not in lines["environment"]
    assert lines["path"] == "[]"
    assert lines["modules"] == "['solution']"
    if sandboxes.MISSING["files"] not in any_sandbox.missing:
        assert lines["files"] == "False False"
    if "processes" in any_sandbox.protections:
        assert int(lines["process"]) < 20


@ROOT_ONLY
def test_root_always_isolates(sandbox):
    command = [shutil.which("unshare") or "", "--mount", "--pid", "--net", "--ipc", "--fork", "true"]
    if not command[0] or subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("namespaces are refused here, to root as well")  # as in a chroot
    assert {"processes", "files", "network"} <= set(sandbox.protections)


WRITER = """
import os
import numpy
for name in ("/dev/shm/left", os.path.join(os.path.dirname(numpy.__file__), "left.py")):
    print(os.path.exists(name))
    try:
        open(name, "w").close()
    except OSError as error:
        print(os.strerror(error.errno))
"""


def test_submissions_share_nothing_they_can_write_to(sandbox):
    for _ in range(2):
        with Session(sandbox, Submission("test", source=WRITER)) as session:
            session.close()
        needs(sandbox, "files")
        assert session.output.split("\n")[:3] == ["False", "False", "Read-only file system"]


def test_nothing_is_left_behind(sandbox, temporary):
    source = f"import subprocess, time\nsubprocess.Popen(['sleep', '61.5'])\n{RIGHT}"
    assert grade(Submission("test", source=source), sandbox).total == TOTAL
    assert list(temporary.iterdir()) == []
    if sys.platform.startswith("linux"):
        commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
        assert not any(b"61.5" in command for command in commands)


@LINUX
@pytest.mark.parametrize("which", ["server", "origin", "both"])
def test_a_dead_process_of_the_graders_is_replaced(sandbox, which):
    submission = Submission("test", source=RIGHT)
    assert grade(submission, sandbox).total == TOTAL
    server, origin = sandbox._starter._server().pid, sandbox._starter._origin._process.pid
    ended = {"server": [server], "origin": [origin], "both": [server, origin]}[which]
    for pid in ended:
        os.kill(pid, signal.SIGKILL)
    assert grade(submission, sandbox).total == TOTAL
    assert (sandbox._starter._server().pid == server) == (which == "origin")


@LINUX
def test_who_dies_with_its_server_is_graded_again(sandbox):
    source = f"import time\ntime.sleep(3)\n{RIGHT}"
    found, servers = [], sandbox._starter._servers
    thread = threading.Thread(target=lambda: found.append(grade(Submission("test", source=source), sandbox)))
    thread.start()
    assert eventually(lambda: (thread.ident, False) in servers and below(servers[thread.ident, False].pid))
    os.kill(servers[thread.ident, False].pid, signal.SIGKILL)
    thread.join()
    assert found[0].total == TOTAL


def test_a_server_that_fails_a_submission_is_replaced(sandbox, monkeypatch):
    ask, asked = forks._Server.ask, []

    def fail_once(*arguments):
        asked.append(arguments)
        return ask(*arguments) if len(asked) > 1 else 0

    monkeypatch.setattr(forks._Server, "ask", fail_once)
    assert grade(Submission("test", source=RIGHT), sandbox).total == TOTAL


def test_a_default_timeout_of_sockets_ends_no_server():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.1)
    try:
        with Sandbox() as sandbox:  # its server takes longer than that to start
            assert grade(Submission("test", source=RIGHT), sandbox).total == TOTAL
            time.sleep(0.3)
            server = sandbox._starter._server()
            assert grade(Submission("test", source=RIGHT), sandbox).total == TOTAL
            assert sandbox._starter._server() is server
    finally:
        socket.setdefaulttimeout(before)


def test_spawning_where_nothing_can_fork(temporary):
    head = "def reconstruct(x, V, W, b, a):"
    looping = RIGHT.replace(head, f"{head}\n    while True: pass")
    with Sandbox(Limits(seconds=3), fork=False) as sandbox:
        assert grade(Submission("loop", source=looping), sandbox).total == 25
    with Sandbox(Limits(seconds=60, memory_bytes=512 << 20), fork=False) as sandbox:
        assert grade(Submission("right", source=RIGHT), sandbox).total == TOTAL
        if sys.platform.startswith("linux"):
            found = grade(Submission("many", source=CHILDREN), sandbox)
            assert "memory" in {result.mistake for result in found.results}
            process = sandbox.start()
            try:  # the clock starts when torch is there
                assert memory_of([process.family]) > 50 << 20
            finally:
                process.end()
                os.close(process.requests), os.close(process.replies), os.close(process.output)
    assert list(temporary.iterdir()) == []
