"""System calls that no solution needs are refused, each by its name."""

import platform
import subprocess

import pytest

from tests.grading.running.inside import seccomp
from tests.grading.running.inside.numbers import NUMBERS

from .support import LINUX, output_of, program, server_of
from .system_call_numbers import HEADERS, in_header

KNOWN = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter")


@pytest.mark.parametrize("column", [0, 1], ids=["x86-64", "ARM64"])
def test_the_numbers_are_the_kernels(column):
    kernels = in_header(HEADERS[column])
    if not kernels:
        pytest.skip("no headers of the kernel")
    ours = {name: numbers[column] for name, numbers in NUMBERS.items()}
    newer = {name for name, number in ours.items() if number and number > max(kernels.values())}
    assert {name: kernels.get(name) for name in ours.keys() - newer} == {
        name: ours[name] for name in ours.keys() - newer
    }


def test_every_name_has_a_number():
    assert set(NUMBERS) == set(seccomp.NAMES)
    assert all(any(numbers) for numbers in NUMBERS.values())


CALL_ALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, number in sorted(CALLS.items()):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)
    if (result, ctypes.get_errno()) != (-1, 1):
        print(name, result, ctypes.get_errno())
"""


@KNOWN
def test_what_no_solution_needs_is_refused_whatever_it_asks_for(with_filter):
    calls = {name: seccomp.number_of(name) for name in seccomp.REFUSED}
    calls = {name: number for name, number in calls.items() if number is not None}
    assert output_of(with_filter, f"CALLS = {calls!r}\n{CALL_ALL}") == ""


@KNOWN
@pytest.mark.parametrize("level", ["container", "filter"])
def test_where_others_can_be_reached_what_reaches_them_is_refused(request, level):
    calls = {name: seccomp.number_of(name) for name in seccomp.TO_OTHERS}
    assert output_of(request.getfixturevalue(level), f"CALLS = {calls!r}\n{CALL_ALL}") == ""


NEW_RIGHTS = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, SIGCHLD, PR_GET_NO_NEW_PRIVS = 0x10000000, 17, 39
print(libc.syscall(CLONE, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
for family in (socket.AF_INET, socket.AF_UNIX, 40):
    try:
        socket.socket(family, socket.SOCK_STREAM)
        print(family, "open")
    except OSError:
        pass
"""


@KNOWN
def test_there_are_no_sockets_and_no_new_rights(with_filter):
    assert output_of(with_filter, f"CLONE = {seccomp.number_of('clone')}\n{NEW_RIGHTS}") == "-1 1\n"


@LINUX
def test_memory_that_no_process_holds_is_refused(with_rules):
    assert output_of(with_rules, program("shared_memory")).split() == ["refused", "refused"]


@LINUX
def test_pages_that_a_pipe_holds_are_refused(with_filter):
    assert output_of(with_filter, program("spliced_memory")) == "refused\n"


@LINUX
def test_no_signal_is_sent_by_news_of_a_file(with_filter):
    with subprocess.Popen(["sleep", "300"]) as victim:
        try:
            server = server_of(with_filter)
            output = output_of(with_filter, program("signal_by_fcntl", VICTIM=victim.pid))
            assert output.split() == ["refused"] * 6
            assert victim.poll() is None and server_of(with_filter) == server
        finally:
            victim.kill()


@LINUX
def test_all_of_its_processes_share_one_session(with_filter):
    assert output_of(with_filter, program("sessions")) == "True\n"


@LINUX
def test_what_a_right_submission_may_want_of_the_system_works(with_filter):
    source = """
        import fcntl, mmap, os, subprocess, threading, time
        import numpy as np
        fcntl.fcntl(1, fcntl.F_GETFL)
        np.memmap("numbers", np.float32, "w+", shape=(1 << 20,))[:] = 1
        assert mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE).write(b"x") == 1
        os.posix_fallocate(os.open("room", os.O_CREAT | os.O_RDWR), 0, 1 << 20)
        thread = threading.Thread(target=time.sleep, args=(0,))
        thread.start(), thread.join()
        print(subprocess.run(["echo", "yes"], stdout=-1, text=True, start_new_session=True).stdout, end="")
    """
    lines = [line[8:] for line in source.splitlines()]
    assert output_of(with_filter, "\n".join(lines)) == "yes\n"
