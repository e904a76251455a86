"""Archives, odd files and hostile ones: each is a row, and none stops the grader."""

import contextlib
import gzip
import os
import subprocess
import sys
import tarfile
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.grading.handed_in import item as bounds
from tests.grading.handed_in import reader_process
from tests.grading.handed_in.printable import printable
from tests.handed_in.downloads import RIGHT, STUB, M, notebook, packed, rows, tree
from tests.handed_in.test_bounds import BZIP2


def damaged():
    content = bytearray(packed("x.zip", {"solution.py": RIGHT}))
    content[60:90] = b"\xff" * 30
    return bytes(content)


BOMB = {"solution.py": b"#" * (17 << 20)}
HUGE = tarfile.TarInfo("x.bin")
HUGE.size = 17 << 30
NESTED = {"a.zip": {"b.zip": {"c.zip": {"d.zip": {"solution.py": RIGHT}}}}}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.zip", b"PK", "can't be read: it is damaged"),
        ("x.tar.gz", b"\x1f\x8b", "can't be read: it is damaged"),
        ("x.tar.gz", gzip.compress(bytes(1 << 20), mtime=0), "No "),
        ("x.zip", damaged(), "damaged"),
        ("x.zip", BZIP2, "solution.py in x.zip is packed in a way that is not read; use plain .zip."),
        ("x.tar.gz", gzip.compress(HUGE.tobuf(tarfile.GNU_FORMAT), mtime=0), "it holds more than 16 GiB"),
        ("x.zip", BOMB, "larger than 16 MiB"),
        ("x.zip", NESTED, "too many archives"),
        ("x.zip", {f"{i}.py": "" for i in range(10_001)}, "it holds too many files"),
        ("x.zip", {"solution.py": RIGHT} | {f"venv/site-packages/{i}.py": "" for i in range(10_001)}, None),
        ("x.zip", {"d/" * 1100 + "solution.py": RIGHT}, "too deep"),
        ("x.zip", {"../../solution.py": RIGHT}, None),
        ("x.zip", {}, "No "),
        ("x.zip", packed("x.tar.gz", {"solution.py": RIGHT}), None),
        ("x.tar.gz", packed("x.zip", {"solution.py": RIGHT}), None),
        ("x.7z", b"7z", "an archive of a kind that is not read"),
    ],
)
def test_an_archive_is_a_row(tmp_path, name, content, words):
    folder = tree(tmp_path / "class", {f"anna/{name}": content, "ben/solution.py": RIGHT})
    found = rows(folder)
    assert list(found) == ["anna", "ben"] and found["ben"].source == RIGHT
    assert words in found["anna"].problem if words else found["anna"].source == RIGHT
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(
        ["class", "anna", "ben", name, "solution.py"]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850"])
def test_the_names_in_an_archive(tmp_path, encoding):
    name = f"J\u00f6rg M\u00fcller_11{M}_/solution.py".encode(encoding)
    content = packed("x.zip", {"x" * len(name): RIGHT}).replace(b"x" * len(name), name)
    folder = tree(tmp_path, {"x.zip": content})
    assert list(rows(folder / "x.zip")) == ["J\u00f6rg M\u00fcller"]


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_a_bomb_is_a_row(tmp_path, monkeypatch, name):
    monkeypatch.setattr(bounds, "MAX_UNPACKED", 1 << 20)
    bomb = {f"{i}.{end}": b"#" * (1 << 19) for i in range(9) for end in ("py", "bin")}
    found = rows(tree(tmp_path / "class", {f"anna/{name}": bomb, f"ben/{name}": {"solution.py": RIGHT}}))
    assert found["ben"].source == RIGHT
    assert found["anna"].needs_human
    assert "holds more than 1 MiB" in f"{found['anna'].problem} {found['anna'].note}"


def test_one_persons_files_cost_no_other_row(tmp_path, monkeypatch):
    tree(tmp_path / "class", {"anna/solution.py": RIGHT, "ben/solution.py": RIGHT})
    real = reader_process.choose
    monkeypatch.setattr(
        reader_process, "choose", lambda name, *more: 1 / 0 if name == "anna" else real(name, *more)
    )
    found = rows(tmp_path / "class")
    assert found["anna"].needs_human and "ZeroDivisionError" in found["anna"].problem
    assert found["ben"].source == RIGHT


def test_an_empty_solution_is_somebodys_too(tmp_path):
    folder = tree(tmp_path / "class", {"solution.py": RIGHT, "a/solution.py": "", "b/utils.py": "x = 1"})
    assert {"a", "b"} <= set(rows(folder))


SOURCES = [RIGHT, STUB, "", "(", "x = 1", notebook(RIGHT), "\0", "\ufeff" + RIGHT]
NAMES = ["a", "b", "solution.py", "x.ipynb", "y.zip", "z.tar.gz", "utils.py", "tests", "Ann_12_assignsubmission_file_", "ann_LATE_1_2_s.py"]  # fmt: skip


@settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.dictionaries(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple), st.sampled_from(SOURCES), min_size=1, max_size=8))  # fmt: skip
def test_no_tree_of_files_raises_and_no_work_is_left_out(tmp_path_factory, files):
    folder = tree(tmp_path_factory.mktemp("class"), {"a/solution.py": RIGHT, "b/utils.py": "x = 1"})
    for path, content in files.items():
        where = folder.joinpath(*path[:-1])
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            where.mkdir(parents=True, exist_ok=True)
            (where / path[-1]).write_text(content, encoding="utf-8")
    assert {"a", "b"} <= set(rows(folder))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of Linux")
def test_odd_things_are_rows_with_a_reason(tmp_path, request):
    # pytest's own clean-up can't remove what lies that deep
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", tmp_path / "class"], check=True))
    folder = tree(tmp_path / "class", {"anna/solution.py": RIGHT, "loop/x.txt": "x", "zoe.py": RIGHT})
    os.mkfifo(folder / "fifo.py")
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "solution.py")
    (folder / "loop" / "loop").symlink_to(folder / "loop")
    (folder / "device.py").symlink_to("/dev/zero")
    (folder / "locked").mkdir()
    tree(folder, {"ben/solution.py/x": "", "dora/my.ipynb": "{}"})
    deep = os.open(tree(folder / "deep", {"x.txt": ""}), os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=deep)
        deep, old = os.open("d", os.O_RDONLY, dir_fd=deep), deep
        os.close(old)
    os.close(deep)
    (folder / "locked").chmod(0)
    found = rows(folder)
    (folder / "locked").chmod(0o700)
    names = ["anna", "ben", "deep", "device.py", "dora", "fifo.py", "locked", "loop", "pipes", "zoe"]
    assert list(found) == names
    assert "is a folder" in found["ben"].problem and "not a Jupyter notebook" in found["dora"].problem
    assert "too deep" in found["deep"].problem
    assert "is a link" in found["device.py"].problem + found["loop"].problem
    assert "no ordinary file" in found["fifo.py"].problem and "no ordinary file" in found["pipes"].problem
    assert found["locked"].problem and found["zoe"].source == found["anna"].source == RIGHT


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of bytes")
def test_odd_names(tmp_path):
    folder = tmp_path / "class"
    names = [b"m\xfcller", b"a" * 251, b"anna\nben  15  10", b"\x1b[2Jclear", "M\u00fcller".encode(),
             unicodedata.normalize("NFD", "M\u00fcller").encode(), b"M\xc3\xbcLLER", "\u202egnp".encode(), b"\t=1+1", b"anna\1", b"anna\2", b"anna? (2)"]  # fmt: skip
    for name in names:
        (folder / os.fsdecode(name)).mkdir(parents=True)
        (folder / os.fsdecode(name) / "solution.py").write_text(RIGHT)
    found = rows(folder)
    assert len(found) == len(names) and all(one.source == RIGHT for one in found.values())
    assert all(name.isprintable() and len(name) <= 100 for name in found)
    assert {"M\u00fcller", "M\u00fcller (2)", "M\u00fcLLER", "anna ben 15 10"} <= set(found)
    assert {"m?ller", "anna?", "anna? (2)", "anna? (2) (2)"} <= set(found)
    assert printable("a\u2028b") == "a b"
