"""What a submission may hold: memory of all its processes together, and room on a disk."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.examples import RIGHT
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running.answers import Died
from tests.grading.running.inside.linux import below
from tests.grading.running.inside.settings import BARE, FULL
from tests.grading.running.process import disk_of, memory_of
from tests.grading.running.question import Question
from tests.grading.running.session import Session

from .support import (
    LINUX,
    PROGRAMS,
    ROOT,
    ROOT_ONLY,
    eventually,
    idle_server_of,
    loaded_from,
    output_of,
    program,
)


@LINUX
@pytest.mark.parametrize("level", [FULL, BARE], ids=lambda level: level.name)
def test_memory_is_counted_over_all_processes(request, level):
    sandbox = request.getfixturevalue(level.name)
    arguments = (np.zeros((2, 2), np.float32),) * 5
    with Session(sandbox, Submission("many", source=program("children_with_memory")), 60) as session:
        assert session.call(Question("get_objective_term", arguments)) == Died("memory")


@LINUX
def test_memory_that_nobody_may_look_at_is_counted(sandbox):
    server = idle_server_of(sandbox)
    with Session(sandbox, Submission("hidden", source=program("unreadable_memory"))) as session:
        is_ended = session.loaded == Died("disk")  # nobody sees its files
        assert is_ended or memory_of(below(server)) > 480 << 20


@LINUX
def test_empty_files_can_not_fill_the_memory(full):
    assert output_of(full, program("empty_files")).strip() == str([True] * 5)


@LINUX
def test_a_crash_leaves_no_memory_on_the_disk_and_processes_are_few(any_level):
    lines = output_of(any_level, program("limits")).splitlines()
    assert lines[0] == "core (1, 1)"  # with 0, the program that collects crashes would still be started
    if os.geteuid() == 0:  # another user's own count as well, and may end meanwhile
        assert int(lines[1].split()[1]) <= 40


@LINUX
@pytest.mark.parametrize("level", ["container", "filter"])
def test_room_on_a_disk_is_not_had_without_writing(request, level):
    assert output_of(request.getfixturevalue(level), program("disk_without_writing")) == "0\n"


@LINUX
def test_room_in_its_own_memory_is_bounded(full):
    assert int(output_of(full, program("disk_without_writing"))) <= 64


@LINUX
def test_room_that_is_taken_counts_though_no_size_is_seen(tmp_path):
    code = f"import os\nos.chdir({str(tmp_path)!r})\n{program('disk_without_writing')}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if done.stdout == "0\n":
        pytest.skip("this file system takes no room without writing")
    assert disk_of(str(tmp_path), [], 1 << 40) >= int(done.stdout) << 20


@LINUX
@pytest.mark.parametrize("name", ["unlinked_files", "mapped_files", "unreadable_folder", "full_folder"])
def test_without_namespaces_a_disk_is_bounded_too(without_namespaces, temporary, name):
    loaded = loaded_from(without_namespaces, program(name, COUNT=10**9))
    assert loaded in (Died("disk"), Died("time"))  # a slow disk isn't full in time
    assert eventually(lambda: list(temporary.iterdir()) == [])


FILLING = ["deep_folders", "locked_folders", "many_files", "full_folder"]


@LINUX
@pytest.mark.parametrize(
    ("level", "name"), [("full", "full_folder"), *(("container", name) for name in FILLING)]
)
def test_nothing_is_left_of_a_folder_however_it_was_filled(request, temporary, level, name):
    source = program(name, COUNT=100) + "\nprint('done')"
    with Session(request.getfixturevalue(level), Submission("test", source=source)) as session:
        pass
    assert list(temporary.iterdir()) == []
    if level == "container" and name in ("many_files", "full_folder"):
        assert session.loaded in (Died("disk"), Died("time"))
    else:
        assert "done" in session.output
        assert ("full after" in session.output) == (name == "full_folder")


def test_a_long_answer_is_cut(sandbox):
    source = RIGHT + "\nclass E(Exception): pass\nE.__name__ = 'E' * 20_000_000"
    source += "\ndef anomaly_score(x, r):\n    raise E('x' * 20_000_000)\n"
    found = grade(Submission("long", source=source), sandbox)
    assert found.total == 25
    assert all(len(r.reason or "") < 1000 and len(r.mistake or "") < 500 for r in found.results)


@ROOT_ONLY
def test_where_root_may_not_look_the_disk_is_not_full(tmp_path):
    command = [sys.executable, PROGRAMS / "as_root_of_docker.py", ROOT, tmp_path]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
