"""pytest for one submission: a test for each criterion, and the points at the end. A class has a command.

pyproject.toml has this loaded before any conftest.py. Else pytest, which would not know --solution yet, would
take its value for a folder of tests, and import what was handed in.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy and torch are imported: on small arrays
os.environ.setdefault("OMP_NUM_THREADS", "1")  # their threads only get into each other's way

from functools import cached_property
from pathlib import Path

import pytest

from tests.grading.handed_in.reading import read_download
from tests.grading.handing_out.autograder import grade_alone
from tests.grading.reporting.text import table
from tests.grading.running.process import SandboxError

TESTS = Path(__file__).resolve().parent
CRITERIA, OURS = TESTS / "test_solution.py", TESTS.parent / "solution.py"
FOR_A_CLASS = "A class is graded by: python -m tests.grading PATH... --grades grades.csv"


def pytest_addoption(parser):
    help = "what to grade instead of ./solution.py: a .py file, a notebook, a folder or archive of one person"
    parser.addoption("--solution", action="append", metavar="PATH", help=help)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    known = early_config.known_args_namespace
    for argument in known.file_or_dir if known.solution else ():
        path = Path(early_config.invocation_params.dir, str(argument).split("::")[0]).resolve()
        if TESTS not in (path, *path.parents) or TESTS / "submissions" in path.parents:
            raise pytest.UsageError(f"{argument} is no test, and --solution takes one path. {FOR_A_CLASS}")


def pytest_configure(config):
    paths = config.option.solution or [OURS]
    if "" in paths:
        raise pytest.UsageError("--solution is empty: it names what one person handed in.")
    try:
        found, _ = read_download(paths)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--solution: {error}") from None
    if len(found) != 1:
        given = " ".join(map(str, paths))
        raise pytest.UsageError(f"{given} holds the work of {len(found)} people. {FOR_A_CLASS}")
    config.pluginmanager.register(Grading(found[0], Path(paths[0])))


@pytest.fixture
def solution():
    """The model solution. A test that asks for it is skipped where solution.py is a student's."""
    import solution

    return solution


class Grading:
    """Grades a submission when its first criterion is asked for."""

    def __init__(self, submission, path):
        self.submission, self.path, self.lines = submission, path, []

    @cached_property
    def grade(self):
        try:
            found = grade_alone(self.submission, self.path)
        except SandboxError as error:
            pytest.exit(str(error), returncode=3)
        self.lines = [*table(found), *found.unprotected]
        return found

    @pytest.fixture(name="grade")
    def _grade(self):
        return self.grade

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: item.path != CRITERIA)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        is_about_ours = "solution" in getattr(item, "fixturenames", ()) and self.path == OURS
        if is_about_ours and item.session.items[0].path == CRITERIA and self.grade.sentences:
            pytest.skip("solution.py is not the model solution: what tests that one is not run")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        report.points = self.lines  # in a report, it reaches the terminal from any process
        return report

    def pytest_runtest_logreport(self, report):
        self.lines = getattr(report, "points", []) or self.lines

    def pytest_terminal_summary(self, terminalreporter):
        if self.lines:
            terminalreporter.section(f"points of {self.submission.name}")
            terminalreporter.write("".join(f"{line}\n" for line in self.lines))
