"""pytest for one submission: a test for each criterion, and the points at the end. A class has a command."""

import secrets
from functools import cached_property
from pathlib import Path

import pytest

from tests.grading.handed_in.reading import find_submissions
from tests.grading.handed_in.submission import imported_by
from tests.grading.judging.grade import grade
from tests.grading.reporting.text import table
from tests.grading.running.process import SandboxError
from tests.grading.running.sandbox import Sandbox
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import CRITERIA
from tests.option import FOR_A_CLASS

HERE = Path(__file__).resolve().parent
OURS = HERE.parent / "solution.py"
collect_ignore = ["submissions"]  # examples of what is handed in


def pytest_configure(config):
    config.addinivalue_line("markers", "model: it tests the model solution, or the figures that it gives")
    if config.rootpath != HERE.parent:
        raise pytest.UsageError(f"pytest was set up by {config.inipath}. Write --solution=PATH, with `=`.")
    paths = [Path(path) for path in config.option.solution or [OURS]]
    try:
        found = find_submissions(paths)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--solution: {error}") from None
    if len(found) != 1:
        many = f"{paths[0]} holds the work of {len(found)} people" if len(paths) == 1 else "these are many"
        raise pytest.UsageError(f"pytest grades one person, and {many}. {FOR_A_CLASS}")
    config.pluginmanager.register(Grading(found[0], paths[0]))


@pytest.fixture
def solution():
    """The model solution; a test that takes it is skipped where solution.py is a student's."""
    import solution

    return solution


class Grading:
    """Grades a submission when its first criterion is asked for."""

    def __init__(self, submission, path):
        self.submission, self.path = submission, path
        self.lines, self.has_criteria = [], False

    @cached_property
    def grade(self):
        folder = self.path if self.path.is_dir() else self.path.resolve().parent
        try:
            with Sandbox(preload=imported_by([self.submission]), hidden=[folder]) as sandbox:
                return grade(self.submission, sandbox, Probes(secrets.randbelow(10**6)))
        except SandboxError as error:
            pytest.exit(str(error), returncode=3)

    @pytest.fixture(params=range(len(CRITERIA)), ids=[criterion.id for criterion in CRITERIA])
    def result(self, request, record_property):
        """The result of one criterion; --junitxml has its points."""
        result = self.grade.results[request.param]
        record_property("submission", self.submission.name)
        record_property("exercise", result.criterion.exercise)
        record_property("criterion", result.criterion.id)
        record_property("points", result.points)
        record_property("max_points", result.criterion.points)
        return result

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: "result" not in getattr(item, "fixturenames", ()))
        self.has_criteria = bool(items) and "result" in getattr(items[0], "fixturenames", ())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        """Nothing but the criteria is to import or to judge a solution.py that is a student's."""
        is_about_ours = item.get_closest_marker("model") or "solution" in getattr(item, "fixturenames", ())
        if is_about_ours and self.has_criteria and self.path == OURS and self.grade.sentences:
            pytest.skip("solution.py is not the model solution: what tests that one is not run")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        if "grade" in vars(self) and not self.lines:  # in a report, it reaches the terminal from any process
            self.lines = report.points = [*table(self.grade), *self.grade.unprotected]
        return report

    def pytest_runtest_logreport(self, report):
        self.lines = getattr(report, "points", self.lines)

    def pytest_terminal_summary(self, terminalreporter):
        if self.lines:
            terminalreporter.section(f"points of {self.submission.name}")
            terminalreporter.write("".join(f"{line}\n" for line in self.lines))


# ---------------------------------------------------------------- the notebook's data


def pytest_report_header(config):
    """Whether the notebook's outputs are compared, where it is among what is run."""
    asked = [Path(config.invocation_params.dir, str(arg).split("::")[0]).resolve() for arg in config.args]
    if not {HERE, HERE.parent, HERE / "notebook", HERE / "notebook" / "test_notebook.py"} & {*asked}:
        return None
    import data  # torch with it, which takes seconds that grading need not wait

    if data.load_mnist()[0].is_sample:
        return "MNIST could not be had: the notebook runs on the offline sample, not compared."
    return "MNIST is complete: the notebook's outputs are compared."
