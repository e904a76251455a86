"""A class is graded on several threads, and ends at once when it is ended."""

import itertools
import os
import tempfile
import threading
import time

import pytest

from tests.examples import EXAMPLES, RIGHT
from tests.grading.course import pool
from tests.grading.course.pool import EndableSandbox, grade_all
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.judging.result import Grade, Result, Status
from tests.grading.running.process import Limits, SandboxError
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import CRITERIA

PROBES = Probes(1)


def submissions(count):
    return [Submission(f"s{i:04d}", source="") for i in range(count)]


@pytest.fixture
def sandbox():
    with EndableSandbox(fork=False) as sandbox:  # which starts nothing by itself
        yield sandbox


@pytest.fixture
def graded_by(monkeypatch):
    """Has submissions graded by something that takes no time, and keeps their names."""
    names = []

    def use(function=lambda submission: None):
        def fake(submission, *_):
            names.append(submission.name)
            function(submission)
            return Grade(submission.name, [Result(criterion) for criterion in CRITERIA])

        monkeypatch.setattr(pool, "grade", fake)
        return names

    return use


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_is_graded_once(graded_by, sandbox, jobs):
    names, class_ = graded_by(), submissions(50)
    found = [one.name for one in grade_all(class_, sandbox, PROBES, jobs)]
    assert sorted(found) == sorted(names) == [one.name for one in class_]


def test_only_few_are_begun_before_their_grades_are_taken(graded_by, sandbox):
    names, endless = graded_by(), (Submission(f"{i}", source="") for i in itertools.count())
    grades = grade_all(endless, sandbox, PROBES, 2)
    next(grades)
    time.sleep(0.2)
    assert len(names) <= 4
    grades.close()
    time.sleep(0.1)
    assert len(names) <= 4


def test_a_slow_one_does_not_hold_up_the_others(graded_by, sandbox):
    release = threading.Event()
    graded_by(lambda one: release.wait(20) if one.name == "s0000" else None)
    found = []
    for one in grade_all(submissions(50), sandbox, PROBES, 2):
        found.append(one.name)
        if len(found) == 49:
            release.set()
    assert found[-1] == "s0000"


def test_an_error_of_the_grader_costs_its_own_grade_and_is_no_zero(graded_by, sandbox):
    graded_by(lambda one: 1 / 0 if one.name == "s0001" else None)
    found = {one.name: one for one in grade_all(submissions(3), sandbox, PROBES)}
    assert [found[name].status for name in sorted(found)] == [Status.GRADED, Status.TO_LOOK_AT, Status.GRADED]
    assert found["s0001"].to_look_at == ["The grader failed at this submission (ZeroDivisionError)."]


@pytest.mark.parametrize("first", [0, 3])
def test_a_machine_that_cannot_grade_costs_nobody_points(graded_by, sandbox, first):
    """From the beginning, or from the fourth on: what was graded before stays."""

    def broken(one):
        if int(one.name[1:]) >= first:
            raise SandboxError("no process")

    graded_by(broken)
    found = []
    with pytest.raises(SandboxError, match="no process"):
        found.extend(one.name for one in grade_all(submissions(9), sandbox, PROBES))
    assert set(found) <= {f"s{i:04d}" for i in range(first)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_jobs_find_what_one_finds_and_its_end_is_at_once(monkeypatch, tmp_path):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    class_ = [Submission("right", source=RIGHT)]
    for path in sorted((EXAMPLES / "wrong").glob("no_*.py")):
        class_.append(Submission(path.stem, source=path.read_text(encoding="utf-8")))
    with Sandbox() as one:
        alone = {submission.name: grade(submission, one, PROBES).results for submission in class_}
    forever = [Submission(f"forever{i}", source="while True: pass") for i in range(4)]
    found = {}
    with EndableSandbox(Limits(seconds=100)) as sandbox:
        grades = grade_all([*class_, *forever], sandbox, PROBES, 2)
        for _ in class_:
            one = next(grades)
            found[one.name] = one.results
        deadline = time.monotonic() + 20
        while len(list(tmp_path.glob("submission-*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)  # until two are running for ever
        start = time.monotonic()
        grades.close()
    assert time.monotonic() - start < 10
    assert found == alone
    assert list(tmp_path.iterdir()) == []
