"""A submission in its process: what it can see, leave behind, forge or break, and what it is worth then."""

import socket
import sys
import time
from pathlib import Path

import pytest

from tests.examples import RIGHT, verdict
from tests.grading import inside
from tests.grading.exercises import EXERCISES, FUNCTIONS, TOTAL
from tests.grading.grade import grade
from tests.grading.mistakes import FORMULAS
from tests.grading.sandbox import Limits, Sandbox
from tests.grading.session import Session
from tests.grading.submission import Submission

ROOT = Path(__file__).parent.parent
POINTS = {number: exercise.points for number, exercise in EXERCISES.items()}


@pytest.fixture(scope="module")
def short_sandbox():
    with Sandbox(Limits(seconds=2)) as sandbox:
        yield sandbox


@pytest.fixture
def grade_source(short_sandbox):
    return lambda source: grade(Submission("test", source=source), short_sandbox)


PRINT_WORLD = """
import os, sys
print("files", sorted(os.listdir("/")), os.path.exists({root!r}), os.path.exists({home!r}))
print("processes", os.getpid() < 20)
print("environment", sorted(os.environ))
print("path", [p for p in sys.path if "tests" in p or p == {root!r}])
OURS = ("tests", "solution", "data", "_pytest", "pytest")
print("modules", [m for m in sys.modules if m.split(".")[0] in OURS])
"""


def test_isolation(short_sandbox, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "1")
    source = PRINT_WORLD.format(root=str(ROOT / "solution.py"), home=str(ROOT / "tests"))
    with (
        Sandbox(Limits(seconds=5)) as sandbox,
        Session(sandbox, Submission("test", source=source)) as session,
    ):
        isolated = not sandbox.missing
        session.close()
        output = session.output
    assert "SECRET_TOKEN" not in output
    assert "path []" in output
    assert "modules ['solution']" in output
    if not isolated:
        pytest.skip("this machine has no namespaces for submissions")
    assert "False False" in output
    assert "processes True" in output


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


def test_submissions_share_nothing_they_can_write_to(short_sandbox):
    for _ in range(2):
        with Session(short_sandbox, Submission("test", source=WRITER)) as session:
            session.close()
        if short_sandbox.missing:
            pytest.skip("this machine has no namespaces for submissions")
        assert session.output.split("\n")[:3] == ["False", "False", "Read-only file system"]


def test_a_slow_submission_has_a_limit_as_a_whole():
    source = f"import time\n{RIGHT}"
    for line in ("def reconstruct(x, V, W, b, a):", "def anomaly_score(x, reconstruction):"):
        source = source.replace(line, f"{line}\n    time.sleep(0.45)")
    start = time.monotonic()
    with Sandbox(Limits(seconds=0.5)) as sandbox:
        found = grade(Submission("slow", source=source), sandbox)
    assert found.points(1) == POINTS[1] and found.points(3) < POINTS[3]
    assert time.monotonic() - start < 20  # the server's start included; unlimited, it takes 25


FORGED = """
import json, os, struct
def forge(report):
    header = json.dumps(report).encode()
    for fd in range(700, 760):
        try:
            os.write(fd, struct.pack("<I", len(header)) + header)
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    "report",
    [
        {"kind": "x"},
        {"error": None, "kind": "x"},
        {"error": "x"},
        {"functions": []},
        {"kind": "tensor", "shape": [], "changed": [4]},
        {"kind": "tensor", "shape": [], "changed": [1.0]},
        {"kind": "tensor", "shape": [2**70]},
        {"kind": 3, "shape": {}},
        {"functions": 3},
    ],
)
@pytest.mark.parametrize("when", ["import", "call"])
def test_a_forged_answer_earns_nothing_and_harms_nobody(grade_source, report, when):
    lines = [f"forge({report | {'id': i, 'arrays': []}!r})" for i in range(1, 60)]
    if when == "import":
        assert grade_source(FORGED + "\n".join(lines)).total == 0
    else:
        body = "def anomaly_score(x, reconstruction):\n    " + "\n    ".join(lines)
        found = grade_source(f"{RIGHT}\n{FORGED}\n{body}")
        assert (found.points(1), found.points(2), found.points(3)) == (POINTS[1], POINTS[2], 0)


def test_patched_gradients_cost_one_criterion(grade_source):
    patch = "import torch\ntorch.Tensor.backward = lambda *_, **__: None"
    assert set(verdict(grade_source(f"{RIGHT}\n{patch}"))) == {"1.scalar"}


def test_an_answer_that_the_grader_stumbles_over_costs_its_exercise(grade_source, monkeypatch):
    monkeypatch.setitem(FORMULAS, 3, lambda *_: 1 / 0)
    found = grade_source(RIGHT)
    assert found.total == TOTAL - EXERCISES[3].points and found.results[-1].mistake == "grader error"
    assert found.results[-1].needs_look


@pytest.mark.parametrize("name", ["Oops\\nanna  15  10  10  35", "Total: 35/35"])
def test_no_line_of_a_report_can_be_forged(grade_source, name):
    found = grade_source(f"class E(Exception): pass\nE.__name__ = '{name}'\nraise E('x\\n{name}')")
    assert not any("\n" in text for result in found.results for text in (result.reason, result.mistake))


def test_nothing_is_left_behind(tmp_path, short_sandbox, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    tmp_path.chmod(0o755)
    source = f"import subprocess, time\nsubprocess.Popen(['sleep', '61.5'])\n{RIGHT}"
    assert grade(Submission("test", source=source), short_sandbox).total == TOTAL
    assert list(tmp_path.iterdir()) == []
    if sys.platform.startswith("linux"):
        commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
        assert not any(b"61.5" in command for command in commands)


def test_output_is_cut(grade_source):
    found = grade_source(f"print('x' * 300_000)\n{RIGHT}")
    assert found.total == TOTAL
    assert 60_000 < len(found.output) < 70_000
    assert "more bytes dropped" in found.output


def test_control_characters_are_replaced(grade_source):
    found = grade_source("print('\\x1b[2J')\nraise ValueError('\\x1b[31m red')")
    assert "\x1b" not in found.output + " ".join(found.mistakes)


def test_a_dead_server_is_replaced(short_sandbox):
    submission = Submission("test", source=RIGHT)
    assert grade(submission, short_sandbox).total == TOTAL
    short_sandbox._server.kill()
    short_sandbox._server.wait()
    assert grade(submission, short_sandbox).total == TOTAL


def test_a_server_that_fails_a_submission_is_replaced(short_sandbox, monkeypatch):
    ask, asked = short_sandbox._ask, []

    def fail_once(*arguments):
        asked.append(arguments)
        return ask(*arguments) if len(asked) > 1 else 0

    monkeypatch.setattr(short_sandbox, "_ask", fail_once)
    assert grade(Submission("test", source=RIGHT), short_sandbox).total == TOTAL


def test_a_default_timeout_of_sockets_ends_no_server():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.1)
    try:
        with Sandbox() as sandbox:  # its server takes longer than that to start
            assert grade(Submission("test", source=RIGHT), sandbox).total == TOTAL
            time.sleep(0.3)
            server = sandbox._server
            assert grade(Submission("test", source=RIGHT), sandbox).total == TOTAL
            assert sandbox._server is server
    finally:
        socket.setdefaulttimeout(before)


def test_spawning_where_nothing_can_fork():
    with Sandbox(Limits(seconds=2), fork=False) as sandbox:
        assert grade(Submission("right", source=RIGHT), sandbox).total == TOTAL
        loop = RIGHT.replace(
            "def reconstruct(x, V, W, b, a):", "def reconstruct(x, V, W, b, a):\n    while True: pass"
        )
        assert grade(Submission("loop", source=loop), sandbox).total == TOTAL - POINTS[2]


def test_the_worker_imports_nothing_of_ours():
    for path in Path(inside.__file__).parent.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("import", "from"))]
        assert not any("tests" in line or "from .." in line or "solution" in line for line in imports)


def test_a_name_of_the_protocol_is_a_name_like_any_other(grade_source):
    for name in ("missing", "died", "time", "error"):
        body = f"class {name}(Exception):\n    pass\n"
        body += "".join(f"def {f}(*a):\n    raise {name}\n" for f in FUNCTIONS.values())
        assert grade_source(body).total == 0


def test_a_death_at_the_second_call_is_no_second_answer(grade_source):
    counting = "calls = []\ndef anomaly_score(x, r):\n    calls.append(1)\n    import os\n"
    counting += "    if len(calls) == {n}:\n        os._exit(0)\n    return ((x - r) ** 2).sum(1)\n"
    for n in (2, 4):
        found = grade_source(f"{RIGHT}\n{counting.format(n=n)}")
        lost = {result.mistake for result in found.results if result.lost}
        assert lost == {"crash"}
