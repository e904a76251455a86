"""What submissions are kept from, with all protections and with those that a container leaves."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.grading import sandbox as sandboxes
from tests.grading.grade import grade
from tests.grading.sandbox import Limits, Sandbox, SandboxError
from tests.grading.session import Session
from tests.grading.submission import Submission

ROOT = Path(__file__).parent.parent
RIGHT = (ROOT / "tests" / "submissions" / "right" / "plain.py").read_text()
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(seconds=5, memory_bytes=512 << 20)) as sandbox:
        output_of(sandbox, "")  # now it is known what can be had
        yield sandbox


def output_of(sandbox, source):
    with Session(sandbox, Submission("test", source=source)) as session:
        session.close()
    return session.output


def needs(sandbox, protection):
    if protection not in sandbox.protections:
        pytest.skip(sandboxes.MISSING.get(protection, protection))


# Refuses what most containers refuse, to itself and to all that it starts.
REFUSED = """
import os, sys
sys.path.insert(0, {root!r})
from tests.grading.inside import confine
if {uid}:
    os.setgroups([]); os.setresgid({uid}, {uid}, {uid}); os.setresuid({uid}, {uid}, {uid})
confine._refuse_calls()
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@LINUX
@pytest.mark.parametrize("uid", [0, 60_001])
def test_where_namespaces_are_refused_it_grades_all_the_same(tmp_path, uid):
    if uid and (os.geteuid() != 0 or not os.access(ROOT, os.R_OK)):
        pytest.skip("only root can become another user")
    (tmp_path / "anna.py").write_text(RIGHT)
    (tmp_path / "ben.py").write_text(RIGHT.replace("relu", "sigmoid"))
    tmp_path.chmod(0o755)
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o777)
    command = [sys.executable, "-c", REFUSED.format(root=str(ROOT), uid=uid)]
    command += ["-m", "pytest", "tests/test_solution.py", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "--solution", str(tmp_path), "--rootdir", str(ROOT)], cwd=ROOT, capture_output=True,
        text=True, timeout=120, env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip
    if uid and "Permission denied" in run.stdout + run.stderr:
        pytest.skip("another user can't read this environment")
    assert "mean" in run.stdout, run.stdout + run.stderr
    assert [int(n) for n in run.stdout.split("anna")[1].split()[:4]] == [15, 10, 10, 35]
    for name in ("processes", "files", "network"):
        assert sandboxes.MISSING[name] in run.stdout
    assert sandboxes.MISSING["calls"] not in run.stdout
    assert list(folder.glob("submission-*")) == []


@LINUX
@pytest.mark.parametrize("missing", ["processes", "files", "network", "calls"])
def test_a_protection_that_is_refused_falls_away_alone(missing, sandbox):
    needs(sandbox, missing)
    had = list(sandbox.protections)
    with Sandbox(Limits(seconds=5)) as fewer:
        fewer._open_server()
        fewer.protections = [name for name in had if name != missing]
        found = grade(Submission("right", source=RIGHT), fewer)
    assert found.total == 35
    assert found.unprotected == (sandboxes.MISSING[missing],)


def test_where_torch_can_not_be_used_nobody_is_graded(monkeypatch):
    monkeypatch.setattr(sandboxes, "_TRIAL", "import nothing_like_this")
    with Sandbox(Limits(seconds=5)) as sandbox:
        if not sandbox.fork:
            pytest.skip("there is no server")
        with pytest.raises(SandboxError, match="can't run a right submission on this machine"):
            grade(Submission("right", source=RIGHT), sandbox)


PROBE = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
print("devices", sorted(os.listdir("/dev")))
print("sys", os.listdir("/sys"))
print("terminals", os.path.exists("/dev/pts"))
calls = dict(keyctl=250, add_key=248, memfd_create=319, shmget=29, ptrace=101, unshare=272)
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
        for name in ("keyctl", "add_key", "memfd_create", "shmget", "ptrace", "unshare"):
            assert f"{name} -1 1\n" in output  # EPERM, and no complaint about the arguments


def test_what_is_hidden_stays_hidden_inside_what_is_kept(tmp_path):
    # As if the project lay below the environment's own folder, or grades below /usr.
    secret = Path(sys.prefix) / "secret-of-a-test"
    try:
        secret.mkdir()
        (secret / "grades.csv").write_text("anna,35")
        with Sandbox(Limits(seconds=5), hidden=[secret]) as sandbox:
            output = output_of(sandbox, f"import os\nprint(os.listdir({str(secret)!r}))")
            needs(sandbox, "files")
    finally:
        (secret / "grades.csv").unlink(missing_ok=True)
        secret.rmdir()
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
@pytest.mark.parametrize("source", [DEEP, LOCKED, MANY, FULL])
@pytest.mark.parametrize("files", [True, False])
def test_nothing_is_left_of_a_folder_however_it_was_filled(sandbox, monkeypatch, tmp_path, source, files):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    output_of(sandbox, "")  # starts the server
    had = sandbox.protections
    try:
        sandbox.protections = [name for name in had if files or name != "files"]
        output = output_of(sandbox, source)
    finally:
        sandbox.protections = had
    assert list(tmp_path.iterdir()) == []
    if source == FULL and files and "files" in had:
        assert "full after" in output
    if source == FULL and not files:
        assert "full" not in output  # it was ended before


def test_a_submission_of_bottomless_folders_ends_only_itself(sandbox):
    grades = [grade(Submission("one", source=source), sandbox) for source in (RIGHT + DEEP, RIGHT)]
    assert grades[1].total == 35


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
    assert found.results[0].mistake == "memory"
    assert "all its processes together" in found.results[0].reason


def test_a_long_answer_is_cut(sandbox):
    source = RIGHT + "\nclass E(Exception): pass\nE.__name__ = 'E' * 20_000_000"
    source += "\ndef anomaly_score(x, r):\n    raise E('x' * 20_000_000)\n"
    found = grade(Submission("long", source=source), sandbox)
    assert found.total == 25
    assert all(len(r.reason or "") < 1000 and len(r.mistake or "") < 500 for r in found.results)


@LINUX
def test_many_in_a_row_leave_nothing_behind(sandbox, monkeypatch, tmp_path):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = "import os, time\nif os.fork() == 0:\n    time.sleep(100)\n" + RIGHT
    output_of(sandbox, source)

    def held():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = held(), len(sandboxes.descendants(sandbox._server.pid))
    for _ in range(20):
        output_of(sandbox, source)
    deadline = time.monotonic() + 10
    while (held(), len(sandboxes.descendants(sandbox._server.pid))) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (held(), len(sandboxes.descendants(sandbox._server.pid))) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root")
def test_never_as_root(monkeypatch):
    trial = Sandbox._trial
    monkeypatch.setattr(Sandbox, "_trial", lambda self: not self._as_user and trial(self))
    with Sandbox(Limits(seconds=5)) as sandbox, pytest.raises(SandboxError, match="grades nobody"):
        sandbox.start(tempfile.gettempdir())


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
def test_without_namespaces_a_daemon_ends_with_its_submission(monkeypatch):
    monkeypatch.setattr(sandboxes, "_command", refusing(sandboxes._command))
    with Sandbox(Limits(seconds=5)) as sandbox:
        output_of(sandbox, "")
        assert not set(sandbox.protections) & {"processes", "files", "network"}
        before = len(sandboxes.descendants(sandbox._server.pid))
        output_of(sandbox, DAEMON)
        deadline = time.monotonic() + 5
        while len(sandboxes.descendants(sandbox._server.pid)) > before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(sandboxes.descendants(sandbox._server.pid)) == before
        assert grade(Submission("next", source=RIGHT), sandbox).total == 35


def refusing(command):
    """The fork server's command, with namespaces refused to it."""

    def changed(settings):
        python, *options, code, plain = command(settings)
        first = "from inside import confine\nconfine._refuse_calls()\nfrom inside import server\n"
        return [python, *options, code.replace("from inside import server\n", first), plain]

    return changed


HIDDEN_MEMORY = """
import ctypes, time
import torch
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody may look
held = [torch.ones(20 << 20) for _ in range(6)]
"""


@LINUX
def test_memory_that_nobody_may_look_at_is_counted(sandbox):
    with Session(sandbox, Submission("hidden", source=HIDDEN_MEMORY)):
        pids = sandboxes.descendants(sandbox._server.pid)
        assert sandboxes.memory_of(pids) > 480 << 20
