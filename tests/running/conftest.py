"""One import of torch for all tests of the sandbox, and sandboxes at each level that this machine has."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.grading.running.forks import new_origin
from tests.grading.running.inside.settings import BARE, CONTAINER, FILTER, FULL
from tests.grading.running.process import SandboxError, remove
from tests.grading.running.sandbox import Sandbox

from .support import IS_LINUX, LIMITS, output_of


@pytest.fixture(scope="session")
def origin():
    """What all sandboxes of these tests are forked from; None where nothing is forked."""
    if not IS_LINUX:
        yield None
        return
    with new_origin() as origin:
        yield origin


@pytest.fixture(scope="session")
def new_sandbox(origin):
    """Makes sandboxes with arguments of the test's own."""
    return lambda limits=LIMITS, *arguments, **options: Sandbox(limits, *arguments, origin=origin, **options)


@pytest.fixture(scope="session")
def sandbox(new_sandbox):
    """At the highest level that can be had."""
    with new_sandbox() as sandbox:
        output_of(sandbox, "")  # now its level is known
        yield sandbox


def _at(level):
    @pytest.fixture(scope="session", name=level.name)
    def fixture(new_sandbox):
        if not IS_LINUX:
            pytest.skip("Linux")
        with new_sandbox(levels=[level]) as sandbox:
            try:
                output_of(sandbox, "")
            except SandboxError as error:
                pytest.skip(f"There is no level {level.name} here: {error}")
            yield sandbox

    return fixture


full, container, filter_only, bare = map(_at, (FULL, CONTAINER, FILTER, BARE))


@pytest.fixture(params=["full", "container", "bare"])  # filter has nothing of files that bare has not
def any_level(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["container", "bare"])
def without_namespaces(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["full", "container", "filter"])
def with_filter(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["full", "container"])
def with_rules(request):
    """Where a submission sees only the files of the rules."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def temporary(monkeypatch):
    """A TMPDIR of the test's own that a submission's user can enter, other than pytest's."""
    folder = tempfile.mkdtemp(dir="/tmp" if os.name == "posix" else None)
    os.chmod(folder, 0o755)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    yield Path(folder)
    remove(folder)
