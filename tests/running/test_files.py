"""The files that a submission sees, and those that it can't reach or change."""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.grading.running import launch
from tests.grading.running.answers import Raised
from tests.grading.running.inside.settings import CONTAINER, FULL
from tests.grading.running.process import remove

from .support import LINUX, ROOT, ROOT_ONLY, grades_right, loaded_from, output_of, program


def test_a_submission_sees_nothing_of_the_graders(any_level, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "1")
    source = program("print_world", FILE=str(ROOT / "solution.py"), FOLDER=str(ROOT / "tests"))
    lines = dict(line.split(" ", 1) for line in output_of(any_level, source).splitlines())
    assert "SECRET_TOKEN" not in lines["environment"]
    assert lines["path"] == "[]"
    assert lines["modules"] == "['solution']"
    if any_level.level.name in ("full", "container"):
        assert lines["files"] == "False False"
    if any_level.level.name == "full":
        assert int(lines["process"]) < 20


@LINUX
def test_devices_are_a_few_and_the_systems_own_files_are_none(full):
    assert output_of(full, program("devices")).splitlines() == ["null random shm urandom", ""]


@LINUX
def test_no_file_of_the_servers_stays_open(any_level):
    numbers = output_of(any_level, program("open_numbers")).split()
    assert [int(number) >= 700 for number in numbers] == [True, True]


@ROOT_ONLY
@pytest.mark.parametrize("level", [FULL, CONTAINER], ids=["full", "container"])
def test_what_is_for_root_alone_stays_so_where_pythons_own_files_are(new_sandbox, request, level):
    request.getfixturevalue(level.name)
    home = tempfile.mkdtemp(dir=os.path.expanduser("~"))
    try:
        Path(home, "secret").write_text("x")
        with new_sandbox(levels=[replace(level, reads_all=True)]) as sandbox:
            assert output_of(sandbox, program("secrets_of_root", HOME=home)).split() == ["False"] * 3
            assert sandbox.level.reads_all
    finally:
        remove(home)


@LINUX
def test_what_all_may_read_is_read(with_rules):
    names = ["/etc/passwd", "/etc/ld.so.cache", "/usr/include", "/bin/sh"]
    names = [name for name in names if os.path.exists(name)]
    output = output_of(with_rules, f"import os\nprint([os.access(name, os.R_OK) for name in {names}])")
    assert output == f"{[True] * len(names)}\n"


@pytest.mark.parametrize("project", ["env-sheet", "env/sheet", "env", "."])
def test_the_project_is_no_library_wherever_it_lies(tmp_path, monkeypatch, project):
    tmp_path = Path(os.path.realpath(tmp_path))
    packages = tmp_path / "env" / "lib" / "site-packages"
    (tmp_path / project / "tests").mkdir(parents=True)
    packages.mkdir(parents=True)
    monkeypatch.setattr(launch, "PROJECT", str(tmp_path / project))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setattr(launch.site, "getsitepackages", lambda: [str(packages)])
    monkeypatch.setattr(
        sys, "path", [str(tmp_path / project), str(tmp_path / project / "tests"), str(packages)]
    )
    assert launch.library() == [str(packages)]


@LINUX
def test_however_many_folders_are_hidden(new_sandbox, temporary):
    with new_sandbox(hidden=[str(temporary / f"{i:0200}") for i in range(2000)]) as sandbox:
        assert grades_right(sandbox)


@LINUX
@pytest.mark.parametrize("level", [FULL, CONTAINER], ids=["full", "container"])
def test_what_is_hidden_stays_hidden_inside_what_is_kept(new_sandbox, request, level):
    # As if the project lay below the environment's own folder, or grades below /usr.
    request.getfixturevalue(level.name)
    if not os.access(sys.prefix, os.W_OK):
        pytest.skip("nothing can be written there")
    secret = tempfile.mkdtemp(dir=os.path.realpath(sys.prefix))
    try:
        os.chmod(secret, 0o755)
        Path(secret, "grades.csv").write_text("anna,35")
        with new_sandbox(hidden=[secret], levels=[level]) as sandbox:
            output = output_of(sandbox, f"import os\nprint(os.path.exists({secret + '/grades.csv'!r}))")
            open_it = f"try:\n    open({secret + '/grades.csv'!r})\nexcept OSError:\n    print('hidden')"
            output += output_of(sandbox, open_it)
    finally:
        remove(secret)
    assert output.endswith("hidden\n")
    assert output.startswith("False") or level == CONTAINER


@LINUX
def test_without_namespaces_nothing_of_others_is_reached(container, temporary):
    mode = os.stat(torch.__file__).st_mode
    os.chmod(temporary, 0o777)
    source = program("reach_others", ROOT=str(ROOT), TEMPORARY=str(temporary), GRADER=os.getpid())
    done = [line for line in output_of(container, source).splitlines() if not line.endswith(" refused")]
    assert done == ["own signal done", "own file done", "the end"]
    assert os.stat(temporary).st_mode & 0o777 == 0o777
    assert os.stat(torch.__file__).st_mode == mode


@ROOT_ONLY
def test_no_folder_is_moved_away(any_level, temporary):
    os.chmod(temporary, 0o1777)
    assert isinstance(loaded_from(any_level, program("moved_folder", TEMPORARY=str(temporary))), Raised)
    assert list(temporary.iterdir()) == []


@ROOT_ONLY
def test_the_systems_folders_are_read_only(with_rules):
    folder = tempfile.mkdtemp(dir="/usr/local")
    os.chmod(folder, 0o777)
    try:
        source = f"try:\n    open({folder!r} + '/x', 'w')\nexcept OSError as error:\n    print('refused')"
        assert output_of(with_rules, source) == "refused\n"
    finally:
        remove(folder)


@LINUX
def test_nothing_is_left_for_the_next(full):
    source = program("leave_something")
    first, second = output_of(full, source), output_of(full, source)
    assert first == second
    written = [line.split()[0] for line in first.splitlines() if "written" in line]
    assert written == ["/dev/shm", output_of(full, "import os\nprint(os.getcwd())").strip()]


@LINUX
def test_the_packages_are_read_only(with_rules):
    lines = output_of(with_rules, program("write_to_others")).splitlines()
    assert lines[-2:] in (["False", "Read-only file system"], ["False", "Permission denied"])
    assert lines[0] == "False"
