"""A submission in its process: what it can see, leave behind, forge or break, and what it is worth then."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tests.examples import RIGHT, verdict
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running import inside
from tests.grading.running.answers import Died, Returned
from tests.grading.running.inside import wire
from tests.grading.running.process import Limits
from tests.grading.running.question import Question
from tests.grading.running.session import Session
from tests.grading.sheet.mistakes import FORMULAS
from tests.grading.sheet.rubric import EXERCISES, FUNCTIONS, TOTAL

POINTS = {number: exercise.points for number, exercise in EXERCISES.items()}


@pytest.fixture(scope="module")
def short_sandbox(new_sandbox):
    with new_sandbox(Limits(seconds=1)) as sandbox:
        yield sandbox


@pytest.fixture
def grade_source(short_sandbox):
    return lambda source: grade(Submission("test", source=source), short_sandbox)


def test_arrays_arrive_however_they_lie_in_memory():
    numbers = np.arange(12, dtype="<f4").reshape(3, 4)
    sent = [
        numbers,
        numbers.T,
        numbers[::2, ::-1],
        numbers[:, :1],
        numbers[:0],
        np.broadcast_to(numbers[0], (2, 4)),
    ]
    requests, replies = os.pipe()
    wire.send(replies, {"id": 1}, sent)
    message, got = wire.receive(requests)
    assert message == {"id": 1} and all(map(np.array_equal, sent, got)) and len(sent) == len(got)
    os.close(requests), os.close(replies)


def test_a_slow_submission_has_a_limit_as_a_whole(new_sandbox):
    source = f"import time\n{RIGHT}"
    for line in ("def reconstruct(x, V, W, b, a):", "def anomaly_score(x, reconstruction):"):
        source = source.replace(line, f"{line}\n    time.sleep(0.45)")
    start = time.monotonic()
    with new_sandbox(Limits(seconds=0.5)) as sandbox:
        found = grade(Submission("slow", source=source), sandbox)
    assert found.points(1) == POINTS[1] and found.points(3) < POINTS[3]
    assert time.monotonic() - start < 20  # unlimited, it takes 25


def messages_of(sandbox, source):
    """The grade, and in how many messages each process was spoken to."""
    grade(Submission("first", source=""), sandbox)  # which tries the machine, too
    counts, send = [], wire.send

    def count(fd, message, arrays=()):
        counts[:] = [*counts, 1] if "source" in message else [*counts[:-1], counts[-1] + 1]
        send(fd, message, arrays)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "send", count)
        return grade(Submission("test", source=source), sandbox), counts


def test_going_on_after_a_stop_leaves_time_for_all_else(new_sandbox):
    source = "import time\ndef anomaly_score(x, r):\n    time.sleep(0.2)\n    return x"
    x = np.ones((2, 3), np.float32)
    with (
        new_sandbox(Limits(seconds=0.5)) as sandbox,
        Session(sandbox, Submission("slow", source=source)) as session,
    ):
        answers = [session.call(Question("anomaly_score", (x, x), stand_in=x)) for _ in range(20)]
        assert isinstance(answers[0], Returned) and answers[-1] == Died("time", 0.5)
        assert isinstance(session.call(Question("anomaly_score", (x, x))), Returned)


def test_a_right_submission_is_asked_almost_all_in_one_message(short_sandbox):
    found, counts = messages_of(short_sandbox, RIGHT)
    assert found.total == TOTAL
    assert counts == [
        3
    ]  # what is loaded, what is asked of all, and a part of a batch that its own scores decide


def test_what_ends_the_process_is_asked_one_by_one(short_sandbox):
    head = "def reconstruct(x, V, W, b, a):"
    source = f"print('loaded')\n{RIGHT}".replace(
        head, f"{head}\n    print('asked', flush=True)\n    while True: pass"
    )
    found, counts = messages_of(short_sandbox, source)
    assert (found.points(1), found.points(2), found.points(3)) == (POINTS[1], 0, POINTS[3])
    assert "within 1 seconds" in next(iter(found.sentences))
    assert found.output.split() == ["loaded", "asked", "loaded"]  # what was printed in vain is not shown
    assert counts[0] == 2 and len(counts) == 3


def test_what_a_later_call_changes_is_no_change_by_the_first(short_sandbox):
    head = "def get_objective_term(x, V, W, b, a):\n"
    kept = "    if kept:\n        kept[0].zero_()\n    kept[:] = [V]\n"
    found = grade(Submission("x", source="kept = []\n" + RIGHT.replace(head, head + kept)), short_sandbox)
    assert "changes arguments" not in {result.mistake for result in found.results}


def test_recording_what_torch_computes_imports_nothing(short_sandbox):
    source = "import sys\nbefore = {*sys.modules}\ndef anomaly_score(x, r):\n"
    source += "    print({*sys.modules} - before)\n    return ((x - r) ** 2).sum(1)\n"
    arguments = np.full((3, 784), 1.5, np.float32), np.ones((3, 784), np.float32)
    with Session(short_sandbox, Submission("x", source=source)) as session:
        answer = session.call(Question("anomaly_score", arguments, echo=True, trace=True))
    assert len(answer.traced) >= 3 and session.output == "set()\n"


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
    assert found.results[-1].needs_human


@pytest.mark.parametrize("name", ["Oops\\nanna  15  10  10  35", "Total: 35/35"])
def test_no_line_of_a_report_can_be_forged(grade_source, name):
    found = grade_source(f"class E(Exception): pass\nE.__name__ = '{name}'\nraise E('x\\n{name}')")
    assert not any("\n" in text for result in found.results for text in (result.reason, result.mistake))


def test_output_is_cut(grade_source):
    found = grade_source(f"print('x' * 300_000)\n{RIGHT}")
    assert found.total == TOTAL
    assert 60_000 < len(found.output) < 70_000
    assert "more bytes dropped" in found.output


def test_control_characters_are_replaced(grade_source):
    found = grade_source("print('\\x1b[2J')\nraise ValueError('\\x1b[31m red')")
    assert "\x1b" not in found.output + " ".join(found.sentences)


def test_the_worker_imports_nothing_of_ours():
    for path in Path(inside.__file__).parent.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("import", "from"))]
        assert not any("tests" in line or "from .." in line or "solution" in line for line in imports)


def test_a_name_of_the_protocol_is_a_name_like_any_other(grade_source):
    for name in ("died", "error"):
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
