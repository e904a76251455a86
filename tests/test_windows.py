"""The tests can be collected where Python lacks what only Unix has: Windows is simulated."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WINDOWS = """
import os, signal, sys
for name in ("SIGKILL", "SIGHUP", "SIGALRM"):
    vars(signal).pop(name, None)
for name in ("fork", "setsid", "killpg", "sched_getaffinity"):
    vars(os).pop(name, None)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_all_tests_can_be_collected():
    command = [sys.executable, "-c", WINDOWS, "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
