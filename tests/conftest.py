"""Thin pytest hooks: the grader's options and reports, and whether MNIST is there."""

import secrets
import shutil
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.grading.course import outputs
from tests.grading.course.pool import Ahead, cores
from tests.grading.course.progress import Live
from tests.grading.handed_in.people import find_submissions
from tests.grading.handed_in.source import imported_by
from tests.grading.judging.result import Grade
from tests.grading.running.process import Limits, SandboxError
from tests.grading.sheet.probes import Probes
from tests.grading.sheet.rubric import CRITERIA

HERE = Path(__file__).parent
_submissions_key = pytest.StashKey[dict]()
_ahead_key = pytest.StashKey[Ahead]()
_latest_key = pytest.StashKey[dict]()
_reported_key = pytest.StashKey[set]()
_mnist_key = pytest.StashKey[str]()
_outputs_key = pytest.StashKey[outputs.Outputs]()
_current: list[outputs.Outputs] = []  # pytest gives this hook no config
_unprotected: dict[str, None] = {}  # sentences, each once


def pytest_plugin_registered(plugin, manager):
    # pytest takes `--solution FOLDER` for a folder of tests while it looks for conftests, and would import
    # what was handed in. This is the first conftest that it finds, and the only one that there is.
    if plugin is sys.modules[__name__]:
        manager._noconftest = True


def pytest_addoption(parser):
    group = parser.getgroup("grading")
    group.addoption(
        "--solution",
        action="append",
        metavar="PATH",
        help="what to grade (default: ./solution.py): a .py file, a notebook, "
        "a folder with one submission or with many; may be repeated",
    )
    outputs.add_options(group.addoption)
    group.addoption(
        "--seed", type=int, metavar="N", help="draw the inputs of an earlier run again (default: new ones)"
    )
    group.addoption(
        "--jobs",
        type=int,
        default=cores(),
        metavar="N",
        help="grade N submissions at the same time (default: one for each core, %(default)s)",
    )
    group.addoption(
        "--time-limit",
        type=float,
        default=Limits.seconds,
        metavar="SECONDS",
        help="for the import and for each call (default: %(default)s)",
    )
    group.addoption(
        "--memory-limit",
        type=float,
        default=Limits.memory_bytes >> 30,
        metavar="GIB",
        help="beyond what torch needs (default: %(default)s)",
    )


def pytest_configure(config):
    _refuse_foreign_conftests(config)
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # as Ctrl-C: what is graded is written, and nothing is left
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
                signal.signal(number, signal.default_int_handler)
    if config.option.jobs < 1:
        raise pytest.UsageError("--jobs is a number of submissions, 1 or more")
    if min(config.option.time_limit, config.option.memory_limit) <= 0:
        raise pytest.UsageError("--time-limit and --memory-limit must be positive")
    try:
        found = find_submissions(config.option.solution or [HERE.parent / "solution.py"])
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--solution: {error}") from None
    try:
        found = outputs.shard(found, config.option.shard)
        config.stash[_outputs_key] = outputs.from_options(config.option, found)
    except OSError as error:
        raise pytest.UsageError(f"{error.filename} can't be written: {error.strerror}") from None
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if config.option.seed is None:  # with pytest-xdist, all processes get this one
        before = config.stash[_outputs_key].unfinished
        seed = before.seed if before else None
        config.option.seed = secrets.randbelow(10**6) if seed is None else seed
    _current[:] = [config.stash[_outputs_key]] if not _is_worker(config) else []
    config.stash[_submissions_key] = {submission.name: submission for submission in found}
    if config.option.solution:  # the reports at the end say it all
        config.option.tbstyle, config.option.reportchars = "no", ""


def _refuse_foreign_conftests(config):
    """Where --solution comes before the test file, a conftest among the submissions comes before this one."""
    for plugin in config.pluginmanager.get_plugins():
        file = getattr(plugin, "__file__", None) or ""
        if Path(file).name == "conftest.py" and HERE not in Path(file).parents:
            raise pytest.UsageError(
                f"{file} was loaded by pytest: write tests/test_solution.py before --solution, "
                "and start again"
            )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class BySubmission(LoadScopeScheduling):
        """A submission's criteria stay together, so that it is run once."""

        def _split_scope(self, nodeid):
            if "::test_criterion[" in nodeid:
                return nodeid.rpartition("-")[0]
            return super()._split_scope(nodeid)

    return BySubmission(config, log) if config.getvalue("dist") == "load" else None


# ---------------------------------------------------------------- grading


def pytest_pycollect_makeitem(collector, name, obj):
    if name == "test_criterion" and collector.path == HERE / "test_solution.py":
        return [
            CriterionItem.from_parent(
                collector, name=f"{name}[{submission}-{criterion.id}]", test=obj, place=(submission, position)
            )
            for submission in collector.config.stash[_submissions_key]
            for position, criterion in enumerate(CRITERIA)
        ]


class CriterionItem(pytest.Item):
    """One criterion of one submission; no function with fixtures, since a class has thousands."""

    def __init__(self, test, place, **more):
        super().__init__(**more)
        self.test, (self.submission, self.position) = test, place

    def runtest(self):
        result = _grade_of(self.config, self.submission).results[self.position]
        self.user_properties += [
            ("submission", self.submission),
            ("exercise", result.criterion.exercise),
            ("criterion", result.criterion.id),
            ("points", result.points),
            ("max_points", result.criterion.points),
        ]
        self.test(result)

    def reportinfo(self):
        return self.path, None, self.name


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """Nothing is set up for a criterion, and nothing captured: that would take as long as the grading."""
    if not isinstance(item, CriterionItem):
        return None
    hook, place = item.ihook, {"nodeid": item.nodeid, "location": item.location}
    hook.pytest_runtest_logstart(**place)
    for when, job in (("call", item.runtest), ("teardown", lambda: None)):  # --junitxml waits for the last
        call = pytest.CallInfo.from_call(job, when, reraise=(pytest.exit.Exception, KeyboardInterrupt))
        report = hook.pytest_runtest_makereport(item=item, call=call)
        hook.pytest_runtest_logreport(report=report)
        if call.excinfo:  # for --pdb
            hook.pytest_exception_interact(node=item, call=call, report=report)
    hook.pytest_runtest_logfinish(**place)
    return True


def pytest_sessionstart(session):
    config = session.config
    _load_mnist(config)
    if config.option.solution and not config.option.collectonly and not _has_workers(config):
        _ahead(config)  # torch is imported while the tests are collected
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if _is_live(config) and reporter:
        reporter.showfspath = False
        width = shutil.get_terminal_size().columns if reporter.isatty else None
        found = config.stash[_outputs_key]
        found.live = Live(partial(reporter.write, flush=True), list(found.submissions), width)


def pytest_collection_finish(session):
    config = session.config
    if config.option.collectonly or _is_worker(config):  # which is told its tests one at a time
        return
    names = dict.fromkeys(item.submission for item in session.items if isinstance(item, CriterionItem))
    if names and not _has_workers(config):
        before = config.stash[_outputs_key].before
        _ahead(config).expect(config.stash[_submissions_key][name] for name in names if not before(name))
        if config.stash[_outputs_key].live:
            config.stash[_outputs_key].live.start()


def _is_live(config):
    """Whether a row for each submission takes the place of pytest's dots."""
    many = config.option.solution and len(config.stash[_submissions_key]) > 1
    return many and config.option.verbose <= 0 and not _is_worker(config)


def pytest_report_teststatus(report, config):
    if "::test_criterion[" in report.nodeid and _is_live(config) and (report.when == "call" or report.passed):
        return report.outcome if report.when == "call" else "", "", ""


def _ahead(config):
    if _ahead_key not in config.stash:
        option, submissions = config.option, config.stash[_submissions_key]
        paths = [Path(path) for path in (*(option.solution or ()), option.grades, option.feedback) if path]
        config.stash[_ahead_key] = Ahead(
            Probes(option.seed),
            1 if _is_worker(config) else option.jobs,
            len(submissions),
            limits=Limits(option.time_limit, int(option.memory_limit * 2**30)),
            preload=imported_by(submissions.values()),
            hidden={path if path.is_dir() else path.resolve().parent for path in paths},
        )
    return config.stash[_ahead_key]


def _grade_of(config, name):
    """Of those before the submission at hand, only the reports are kept."""
    latest = config.stash.setdefault(_latest_key, {})
    if name not in latest:
        latest.clear()
        try:
            latest[name] = config.stash[_outputs_key].before(name) or _ahead(config).grade(
                config.stash[_submissions_key][name]
            )
        except SandboxError as error:
            pytest.exit(str(error), returncode=3)
    return latest[name]


def _is_worker(config):
    return hasattr(config, "workerinput")


def _has_workers(config):
    """Whether pytest-xdist's processes do the grading."""
    return bool(getattr(config.option, "tx", None)) and not _is_worker(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    test_report = yield
    if call.when != "teardown":  # where --junitxml reads them; with pytest-xdist, each copy has to travel
        test_report.user_properties = []
    reporter = item.config.pluginmanager.getplugin("terminalreporter")
    if reporter and isinstance(item, CriterionItem):  # it keeps every report, and a class has many
        reporter.stats.get("", []).clear()
        test_report.keywords = {}
    reported = item.config.stash.setdefault(_reported_key, set())
    for name, found in item.config.stash.get(_latest_key, {}).items():
        if name not in reported:
            reported.add(name)
            test_report.grade = found.to_dict() if _is_worker(item.config) else found
    return test_report


def pytest_runtest_logreport(report):
    if hasattr(report, "grade"):
        found = Grade.from_dict(report.grade) if isinstance(report.grade, dict) else report.grade
        del report.grade  # pytest keeps the reports
        _unprotected.update(dict.fromkeys(found.unprotected))
        for current in _current:
            current.add(found)


def pytest_sessionfinish(session):
    config = session.config
    ahead = config.stash.get(_ahead_key, None)
    if ahead:
        ahead.close()
    if not _is_worker(config):
        for found in ahead.finished() if ahead else ():  # after an interrupt
            config.stash[_outputs_key].add(found)
        config.stash[_outputs_key].finish()
        if config.stash[_outputs_key].failed:
            session.exitstatus = 3
        elif not config.stash[_submissions_key] and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = 0  # an empty part of a class


# ---------------------------------------------------------------- the notebook's data


def _load_mnist(config):
    if _runs_notebook(config) and not _is_worker(config):
        import data  # torch with it, which takes seconds that grading need not wait

        config.stash[_mnist_key] = (
            "MNIST could not be had: the notebook runs on the offline sample, not compared."
            if data.load_mnist()[0].is_sample
            else "MNIST is complete: the notebook's outputs are compared."
        )


def pytest_report_header(config):
    return config.stash.get(_mnist_key, None)


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash[_outputs_key].lines()
    if lines:
        terminalreporter.section("grades")
        for line in lines:
            terminalreporter.line(line)
        terminalreporter.line(f"The inputs can be drawn again with --seed {config.option.seed}.")
        for sentence in _unprotected:
            terminalreporter.line(f"Note: {sentence} See the README.")
    if _mnist_key in config.stash:
        terminalreporter.section("MNIST")
        terminalreporter.line(config.stash[_mnist_key])


def _runs_notebook(config):
    """Whether test_notebook.py is among what was asked for, before anything is collected."""
    asked = [Path(config.invocation_params.dir, str(arg).split("::")[0]).resolve() for arg in config.args]
    return any(path in (HERE, HERE.parent, HERE / "notebook" / "test_notebook.py") for path in asked)
