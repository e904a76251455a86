"""Which level a machine gets, and what is said where it is a lower one."""

import ctypes
import json
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from tests.examples import RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running import sandbox as sandboxes
from tests.grading.running.inside.linux import below
from tests.grading.running.inside.settings import BARE, CONTAINER, FILTER, FULL
from tests.grading.running.process import remove
from tests.grading.sheet.rubric import TOTAL

from .support import LINUX, PROGRAMS, ROOT, ROOT_ONLY, grades_right, idle_server_of, output_of

NAMESPACES = ("unshare", "setns", "mount", "umount2")  # most containers refuse these
LANDLOCK = (*NAMESPACES, "landlock_create_ruleset")


def in_trial(lines):
    """The trial with these lines at the beginning of its work."""
    head = "def work():\n"
    return sandboxes.TRIAL.replace(head, head + textwrap.indent(lines, "    "))


def imports_torch_as(uid):
    if os.geteuid():
        return False
    try:
        command = [sys.executable, "-c", "import secrets, torch"]
        return subprocess.run(command, user=uid, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


@LINUX
@pytest.mark.parametrize(
    ("refused", "level", "uid"),
    [
        (NAMESPACES, "container", 0),
        (NAMESPACES, "container", 60_001),
        ((*LANDLOCK, "seccomp"), "bare", 0),
        ((*LANDLOCK, "seccomp"), "bare", 60_001),
    ],
)
def test_where_a_machine_refuses_something_it_grades_all_the_same(temporary, request, refused, level, uid):
    request.getfixturevalue(level)  # it may not have that either
    if uid and not imports_torch_as(uid):
        pytest.skip("only root can become another user, who may not read this environment")
    temporary.chmod(0o777)
    command = [sys.executable, PROGRAMS / "as_in_a_container.py", ROOT, uid, *refused]
    run = subprocess.run(
        [*map(str, command)], env=os.environ | {"TMPDIR": str(temporary)}, capture_output=True, text=True
    )
    total, name, missing, unprotected = json.loads(run.stdout or "[0, 0, 0, 0]")
    assert (total, name) == (TOTAL, level), run.stderr
    assert missing == unprotected
    assert (sandboxes.MISSING.get(level) in missing) == (level in ("filter", "bare"))
    assert list(temporary.iterdir()) == []


@ROOT_ONLY
def test_root_always_has_namespaces(request):
    command = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "true"]
    try:
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("namespaces are refused here, to root as well")  # as in a chroot
    assert request.getfixturevalue("sandbox").level.name == "full"


@LINUX
@pytest.mark.parametrize("level", [CONTAINER, FILTER, BARE], ids=lambda level: level.name)
def test_a_kernel_that_has_what_a_level_needs_gives_it(new_sandbox, level):
    status = Path("/proc/self/status").read_text()
    has_filter = "Seccomp:" in status and platform.machine() in ("x86_64", "aarch64")
    if level.filter and not has_filter:
        pytest.skip("no filter of system calls")
    if level.landlock and ctypes.CDLL(None).syscall(444, None, 0, 1) < 3:  # landlock_create_ruleset: version
        pytest.skip("no Landlock")
    with new_sandbox(levels=[level]) as sandbox:
        output_of(sandbox, "")
        assert sandbox.level.name == level.name


@LINUX
def test_network_and_processes_are_its_own(full):
    for pid in below(idle_server_of(full)):
        for name in ("net", "ipc", "pid"):
            assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")


@LINUX
def test_a_level_at_which_a_right_submission_fails_falls_away(new_sandbox, monkeypatch, full):
    # It fails where the process is the first of its namespace.
    monkeypatch.setattr(sandboxes, "TRIAL", in_trial("import os\nassert os.getpid() > 20\n"))
    with new_sandbox(levels=[FULL, BARE]) as sandbox:
        found = grade(Submission("right", source=RIGHT), sandbox)
        assert found.total == TOTAL
        assert sandbox.level == BARE
        assert found.unprotected == tuple(sandbox.unprotected) == (sandboxes.MISSING["bare"],)


def test_nothing_is_said_of_a_sandbox_that_has_started_nothing(new_sandbox):
    with new_sandbox() as sandbox:
        assert sandbox.level is None and sandbox.unprotected == []


@ROOT_ONLY
def test_never_as_root(any_level):
    output = output_of(any_level, "import os\nprint(*os.getresuid(), *os.getresgid(), *os.getgroups())")
    assert not {"0", ""} & set(output.split())


@LINUX
def test_a_strict_umask_costs_no_protection(sandbox, new_sandbox):
    before = os.umask(0o077)
    try:
        with new_sandbox() as strict:
            output_of(strict, "")
    finally:
        os.umask(before)
    assert strict.level == sandbox.level


@LINUX
def test_an_environment_behind_a_link_costs_no_protection(sandbox, new_sandbox, monkeypatch, tmp_path):
    link = tmp_path / "environment"
    link.symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "path", [path.replace(sys.prefix, str(link)) for path in sys.path])
    monkeypatch.setattr(sys, "prefix", str(link))
    with new_sandbox() as linked:
        output_of(linked, "")
    assert linked.level == sandbox.level


@ROOT_ONLY
def test_a_folder_that_only_root_may_enter(any_level, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(0o077)
    try:
        assert grades_right(any_level, f"import torch\nprint(torch.ones(2))\n{RIGHT}")
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


@ROOT_ONLY
@pytest.mark.parametrize("level", [FULL, CONTAINER], ids=["full", "container"])
def test_what_only_root_may_import(request, new_sandbox, monkeypatch, level):
    request.getfixturevalue(level.name)
    if not os.access(sys.prefix, os.W_OK):
        pytest.skip("nothing can be written there")
    folder = tempfile.mkdtemp(dir=os.path.realpath(sys.prefix))  # mode 700
    try:
        Path(folder, "roots_own.py").write_text("there = print")
        lines = f"import sys\nsys.path.append({folder!r})\nimport roots_own\nroots_own.there()\n"
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sandboxes, "TRIAL", in_trial(lines))
        with new_sandbox(levels=[level]) as sandbox:
            assert grades_right(sandbox, lines + RIGHT)
    finally:
        remove(folder)
    assert sandbox.level == replace(level, reads_all=True)
    assert sandboxes.MISSING["reads all"] in sandbox.unprotected
