"""The table of what a submission may see."""

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.grading.running.inside.rules import DEVICES, hidden, outside, private, shown
from tests.grading.running.inside.settings import CONTAINER, Limits, Settings
from tests.grading.running.process import remove

from .support import LINUX, ROOT_ONLY, output_of

SETTINGS = Settings(
    level=CONTAINER,
    library=["/usr/lib/python3"],
    hidden=["/usr/share/course"],
    limits=Limits(),
)


@pytest.mark.parametrize(
    ("path", "accesses"),
    [
        ("/usr/lib/libm.so", ["shown"]),
        ("/usr/share/course/grades.csv", ["hidden", "shown"]),
        ("/tmp/submission-1", []),
        ("/home/anna/.ssh", []),
        ("/proc/1/environ", []),
        ("/dev/null", []),  # a device
        ("/dev/shm/left", []),  # other users' as well
    ],
)
def test_what_the_rules_say_of_a_path_the_innermost_first(path, accesses):
    table = {"shown": shown(SETTINGS), "hidden": hidden(SETTINGS)}
    found = [
        (len(one), access)
        for access, paths in table.items()
        for one in paths
        if f"{path}/".startswith(f"{one}/")
    ]
    assert [access for _, access in sorted(found, reverse=True)] == accesses
    assert (path in DEVICES) == (path == "/dev/null")


LOOK = """
import os
for path in PATHS:
    try:
        print(path, "read" if os.listdir(path) else "empty")
    except OSError:
        print(path, "refused")
"""


@ROOT_ONLY
def test_the_innermost_rule_counts(new_sandbox, with_rules):
    """As if the project lay below /usr, and an environment in the project."""
    project = tempfile.mkdtemp(dir="/usr/local")
    library = f"{project}/env/lib"
    try:
        for folder in (project, library, f"{project}/data"):
            os.makedirs(folder, exist_ok=True)
            os.chmod(folder, 0o755)
            Path(folder, "file").write_text("x")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "base_prefix", library)
            with new_sandbox(hidden=[project], levels=[with_rules.level]) as sandbox:
                paths = ["/usr/lib", library, f"{project}/data", "/root"]
                output = output_of(sandbox, f"PATHS = {paths}\n{LOOK}")
    finally:
        remove(project)
    found = [line.split()[1] for line in output.splitlines()]
    assert found[:2] == ["read", "read"] and "read" not in found[2:], output


def test_settings_travel_as_text():
    assert Settings.from_dict(json.loads(json.dumps(asdict(SETTINGS)))) == SETTINGS


@pytest.mark.skipif(os.name != "posix", reason="no such modes")
def test_what_its_owner_alone_may_read_is_private(tmp_path):
    for name, mode in (("open", 0o644), ("secret", 0o640), ("deep/key", 0o600), ("deep/all", 0o444)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)  # whatever the umask is
        path.write_text("")
        path.chmod(mode)
    (tmp_path / "closed").mkdir(mode=0o711)
    (tmp_path / "link").symlink_to("secret")
    names = [os.path.relpath(path, tmp_path) for path in sorted(private(str(tmp_path)))]
    assert names == ["closed", "deep/key", "secret"]


@LINUX
def test_landlock_is_given_what_lies_beside_the_hidden(tmp_path):
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / name).mkdir(parents=True)
    top = str(tmp_path)
    assert sorted(outside(top, [f"{top}/a/b"])) == [f"{top}/a/d", f"{top}/e"]
    assert outside(top, []) == outside(top, ["/elsewhere"]) == [top]
