"""Submissions are graded ahead on several threads, and an interrupted run goes on."""

import dataclasses
import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.grading.course import pool, unfinished
from tests.grading.course.outputs import Outputs
from tests.grading.course.pool import Ahead
from tests.grading.course.unfinished import Unfinished
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.judging.result import Grade, Result
from tests.grading.running.process import Limits, SandboxError
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import CRITERIA

EXAMPLES = Path(__file__).parents[1] / "submissions"
RIGHT = (EXAMPLES / "right" / "plain.py").read_text(encoding="utf-8")
PROBES = Probes(1)


def submissions(count):
    return [Submission(f"s{i:04d}", source="") for i in range(count)]


def full(name, seed=1):
    return Grade(name, [Result(criterion) for criterion in CRITERIA], unprotected=[], seed=seed)


@pytest.fixture
def graded(monkeypatch):
    """Names in the order in which they are graded, by something that takes no time."""
    names = []

    def fake(submission, sandbox, probes):
        names.append(submission.name)
        return full(submission.name)

    monkeypatch.setattr(pool, "grade", fake)
    return names


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_only_so_many_wait_to_be_asked_for(graded):
    class_ = submissions(3 * pool.AHEAD)
    with Ahead(PROBES, 2, len(class_), fork=False) as found:
        found.expect(class_)
        wait_for(lambda: len(graded) == pool.AHEAD)
        time.sleep(0.1)
        assert len(graded) == pool.AHEAD
        assert [found.grade(one).name for one in class_] == [one.name for one in class_]
        assert sorted(graded) == [one.name for one in class_]  # each once
        assert found.finished() == []


def test_a_slow_one_does_not_hold_up_the_others(monkeypatch):
    release, names = threading.Event(), []

    def fake(submission, sandbox, probes):
        if submission.name == "s0000":
            release.wait(20)
        names.append(submission.name)
        return full(submission.name)

    monkeypatch.setattr(pool, "grade", fake)
    with Ahead(PROBES, 2, 50, fork=False) as found:
        found.expect(submissions(50))
        wait_for(lambda: len(names) == 49)
        assert len(found.finished()) == 49
        release.set()
        assert found.grade(submissions(1)[0]).name == "s0000"


def test_what_was_not_expected_is_graded_as_well(graded):
    class_ = submissions(3 * pool.AHEAD)
    with Ahead(PROBES, 1, len(class_), fork=False) as found:
        found.expect(class_)
        wait_for(lambda: len(graded) == pool.AHEAD)  # now there is room for nothing else
        for name in ("another", "s0299", "s0000"):
            assert found.grade(Submission(name, source="")).name == name
    assert len(graded) == len(set(graded))


def test_an_error_of_the_grader_is_raised_where_it_is_asked_for(monkeypatch):
    def broken(self, *_):
        raise SandboxError("no process")

    monkeypatch.setattr(Sandbox, "start", broken)
    with Ahead(PROBES, 2, 3, fork=False) as found, pytest.raises(SandboxError, match="no process"):
        found.grade(Submission("a", source=RIGHT))


def test_a_sandbox_that_fails_in_the_middle_costs_nobody_points(monkeypatch):
    def broken(self, *_):
        raise SandboxError("no process")

    monkeypatch.setattr(Sandbox, "start", broken)
    with Ahead(PROBES, 1, 1, fork=False) as found, pytest.raises(SandboxError, match="no process"):
        found.grade(Submission("a", source=RIGHT))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_jobs_find_what_one_finds_and_its_end_is_at_once(monkeypatch, tmp_path):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sources = sorted((EXAMPLES / "wrong").glob("no*.py"))
    class_ = [Submission(path.stem, source=path.read_text(encoding="utf-8")) for path in sources]
    with Sandbox() as sandbox:
        alone = [grade(one, sandbox, PROBES) for one in class_]
    forever = [Submission(f"forever{i}", source="while True: pass") for i in range(4)]
    with Ahead(PROBES, 2, 20, limits=Limits(seconds=100)) as found:
        found.expect([*class_, *forever])
        assert [found.grade(one).results for one in class_] == [one.results for one in alone]
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)  # two are running for ever
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert found.finished() == []
    assert list(tmp_path.iterdir()) == []
    assert [thread for thread in found._threads if thread.is_alive()] == []


# ---------------------------------------------------------------- going on


def begun(tmp_path, *grades, **options):
    """What a run leaves that was interrupted after these grades."""
    class_ = {one.name: one for one in submissions(4)}
    path = tmp_path / "grades.csv"
    outputs = Outputs(class_, grades=path, unfinished=Unfinished(path, **options))
    for one in grades:
        outputs.add(one)
    outputs.finish()
    return class_, path


def test_a_second_run_goes_on(tmp_path):
    class_, path = begun(tmp_path, full("s0000", seed=7), full("s0002", seed=7))
    again = Outputs(class_, grades=path, unfinished=Unfinished(path))
    assert again.unfinished.seed == 7  # so that all are tried on the same inputs
    assert [again.before(name) for name in class_] == [full("s0000", 7), None, full("s0002", 7), None]
    again.add(again.before("s0000"))
    again.add(again.before("s0002"))
    again.add(full("s0001", 7))
    again.finish()
    assert "3 of 4 submissions are graded" in "\n".join(again.lines())
    assert "2 of 4 were graded before" in "\n".join(again.lines())
    last = Outputs(class_, grades=path, unfinished=Unfinished(path))
    for name in class_:
        last.add(last.before(name) or full(name, 7))
    last.finish()
    assert len(last._before) == 3
    assert list(tmp_path.iterdir()) == [path]  # finished: the next run begins anew
    assert Unfinished(path).grade_of(class_["s0000"]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"source": "x = 1"},
        {"cells": ["x = 1"]},
        {"helpers": {"a.py": "x = 1"}},
        {"problem": "It can't be read."},
        {"note": "There are two files."},
        {"name": "Somebody else"},
        {"id": "17"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_submission_that_changed_is_graded_anew(tmp_path, change):
    class_, path = begun(tmp_path, full("s0000"))
    assert Unfinished(path).grade_of(class_["s0000"]) == full("s0000")
    assert Unfinished(path).grade_of(dataclasses.replace(class_["s0000"], **change)) is None
    later = dataclasses.replace(class_["s0000"], late=True, time=1.0)  # what is decided after grading
    assert Unfinished(path).grade_of(later) == full("s0000")


def test_another_grader_grades_all_anew(tmp_path, monkeypatch):
    class_, path = begun(tmp_path, full("s0000"), limits=(10, 4))
    assert Unfinished(path, limits=(10, 4)).grade_of(class_["s0000"])
    assert Unfinished(path, seed=1, limits=(10, 4)).grade_of(class_["s0000"])
    for other in (Unfinished(path, limits=(11, 4)), Unfinished(path, seed=2, limits=(10, 4))):
        assert other.seed is None and other.grade_of(class_["s0000"]) is None
    (tmp_path / "grader").mkdir()
    (tmp_path / "grader" / "rubric.py").write_text("# a new rubric")
    monkeypatch.setattr(unfinished, "GRADER", tmp_path / "grader")
    assert Unfinished(path, limits=(10, 4)).grade_of(class_["s0000"]) is None


def test_what_is_to_be_looked_at_is_tried_again(tmp_path):
    slow = dataclasses.replace(full("s0001"), results=[Result(CRITERIA[0], "slow", "time", needs_look=True)])
    class_, path = begun(tmp_path, full("s0000"), slow)
    found = Unfinished(path)
    assert found.grade_of(class_["s0000"]) and found.grade_of(class_["s0001"]) is None


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_line_that_was_cut_off_costs_one_grade(tmp_path, cut):
    class_, path = begun(tmp_path, full("s0000"), full("s0001"))
    file = tmp_path / "grades.csv.unfinished"
    file.write_text(file.read_text()[:-cut])
    found = Unfinished(path)
    assert found.grade_of(class_["s0000"]) and found.grade_of(class_["s0001"]) is None
    found.add(full("s0001"), class_["s0001"])
    found.close(finished=False)
    assert Unfinished(path).grade_of(class_["s0001"])
    file.write_text("{")
    assert Unfinished(path).grade_of(class_["s0000"]) is None
