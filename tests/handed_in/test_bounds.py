"""Strangers' bytes are read in bounds: each of these stopped the grading of a class once."""

import io
import os
import shutil
import sys
import time
import zipfile

import pytest

from tests.grading.handed_in import download, item, reader_process
from tests.grading.handed_in.reading import find_one, read_download
from tests.handed_in.downloads import RIGHT, rows, tree


def packed_with(method, files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


STUB = "def reconstruct(x):\n    raise f({})\n"
BZIP2 = packed_with(zipfile.ZIP_BZIP2, {"solution.py": "#" * 1000})
LONG_NAMES = packed_with(zipfile.ZIP_STORED, {"e" + "\u0301" * 30_000 + f"{i}.py": RIGHT for i in range(9)})
ODD = {
    "a name of digits": {"1" * 200 + "x.py": RIGHT},
    "a version without end": {"solution" + " (1)" * 50 + "y.py": RIGHT},
    "a stub of many terms": {"a.py": STUB.format("+".join("1" * 1500))},
    "names of many parts": {"a.py": f"import a{'.a' * 99_000}\n{RIGHT}"},
    "a long sum": {"a.py": f"x = {'1+' * 90_000}1\n{RIGHT}"},
    "deep brackets": {"a.py": f"x = {'(' * 90_000}\n{RIGHT}"},
    "ids of many digits": {f"fake{i}_1_{'9' * 200}_x.py": RIGHT for i in range(9)},
    "blank metadata": {"submission_metadata.yml": " " * 10**6, "submission_1/x.py": RIGHT},
    "metadata in itself": {"submission_metadata.yml": "a: &a [*a, *a]", "submission_1/x.py": RIGHT},
    "bzip2": {"anna/x.zip": BZIP2},
    "long names": {"anna/x.zip": LONG_NAMES},
    "many lines": {"a.py": "\n" * 1_000_000},
    "a slow encoding": {"a.py": b"# coding: punycode\n" + b"a" * 1_000_000},
}


@pytest.mark.parametrize("name", ODD)
def test_who_hands_in_an_odd_file_costs_nobody_a_row(tmp_path, name):
    start = time.monotonic()
    found = rows(
        tree(tmp_path / "class", {**ODD[name], "ben.py": RIGHT, "carla/solution.py": RIGHT}), fork=True
    )
    assert found["carla"].source == RIGHT and len(found) >= 3
    assert any(one.source == RIGHT for one_name, one in found.items() if one_name.startswith("ben"))
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("harm", ["time", "memory", "death"])
def test_who_breaks_the_reading_is_one_row_to_look_at(tmp_path, monkeypatch, harm):
    tree(tmp_path / "class", {"anna/solution.py": RIGHT, "ben/solution.py": RIGHT})
    harms = {
        "time": lambda: time.sleep(60),
        "memory": lambda: bytearray(4 << 30),
        "death": lambda: reader_process.os._exit(1),
    }
    real = reader_process.choose
    monkeypatch.setattr(reader_process, "SECONDS", 2)
    monkeypatch.setattr(
        reader_process, "choose", lambda name, *more: harms[harm]() if name == "anna" else real(name, *more)
    )
    found = rows(tmp_path / "class", fork=True)
    assert found["ben"].source == RIGHT
    assert found["anna"].needs_human and found["anna"].problem


def test_a_stranger_is_not_opened_to_see_what_a_glob_is(tmp_path, monkeypatch):
    folder = tree(
        tmp_path, {"anna/x.tar.gz": {"x.bin": os.urandom(9000)}, "ben/x.zip": {"solution.py": RIGHT}}
    )
    opened = []
    monkeypatch.setattr(download, "list_class", lambda archive, path: opened.append(archive) or [])
    assert list(rows(folder / "anna", folder / "ben")) == ["anna", "ben"]
    assert not any("anna" in archive.location for archive in opened)


def test_one_author_makes_no_download_of_a_class(tmp_path):
    evil = {f"x_{n}_assignsubmission_file_/solution.py": RIGHT for n in (11, 12)}
    odd = {"x.zip/solution.py": RIGHT, "x.zip": "x"}  # a folder and a file
    archives = {"anna.zip": {"solution.py": RIGHT}, "dora.zip": odd, "evil.zip": evil}
    folder = tree(tmp_path / "class", archives | {"m": "x"})
    for paths in ([folder], [folder / name for name in archives], [folder / "dora.zip", folder / "evil.zip"]):
        assert {*rows(*paths)} <= {"anna", "dora", "evil"} and not any(
            one.id for one in rows(*paths).values()
        )
    assert len(rows(folder)) == 3 and rows(folder / "dora.zip")


def test_a_link_to_another_is_nobodys_work(tmp_path):
    folder = tree(tmp_path / "class", {"anna/solution.py": RIGHT, "ben/solution.py": RIGHT})
    (folder / "evil").symlink_to("anna")
    (folder / "evil2.py").symlink_to("ben/solution.py")
    (folder / "evil3.zip").symlink_to("nowhere")
    for paths in ([folder], folder.iterdir()):
        found = rows(*paths)
        assert [name for name, one in found.items() if one.source] == ["anna", "ben"]
        assert [name for name, one in found.items() if one.needs_human] == ["evil", "evil2.py", "evil3"]


def test_one_person_has_one_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(item, "MAX_FILES", 5)
    three = {f"{i}.py": RIGHT for i in range(3)}
    found = rows(tree(tmp_path / "class", {"anna/1.zip": three, "anna/2.zip": three, "ben/1.zip": three}))
    assert "too many files" in found["anna"].note and "too many files" not in (found["ben"].note or "")


def test_the_process_that_reads(tmp_path, monkeypatch):
    tree(tmp_path, {"class/anna/solution.py": RIGHT, "class/names.csv": "x", "class/ben/x.ipynb": "{"})
    found, nobodys = read_download([tmp_path / "class"])
    assert {one.name: bool(one.source) for one in found} == {"anna": True, "ben": False}
    assert nobodys == ["names.csv"]
    assert find_one(tmp_path / "class/anna").source == RIGHT
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_download([tmp_path / "nowhere"])
    monkeypatch.setattr(sys, "executable", shutil.which("true"))  # a reader that answers nothing
    with pytest.raises(FileNotFoundError, match="has died"):
        read_download([tmp_path / "class"])
    assert find_one(tmp_path / "class/anna").needs_human


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts open files")
def test_no_archive_stays_open(tmp_path):
    import resource

    tree(tmp_path / "class", {f"{name}/{i}.zip": {} for name in ("anna", "ben") for i in range(300)})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, hard))
    try:
        found = rows(tmp_path / "class")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [one.problem for one in found.values()] == ["No file was handed in."] * 2
