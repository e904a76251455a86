"""Strangers' bytes are read in bounds: each of these stopped the grading of a class once."""

import io
import subprocess
import sys
import zipfile

import pytest

from tests.handed_in.downloads import RIGHT, rows, tree


def bzip2(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("solution.py", content)
    return file.getvalue()


STUB = "def reconstruct(x):\n    raise f({})\n"
ODD = {
    "a name of digits": {"1" * 200 + "x.py": RIGHT},
    "a version without end": {"solution" + " (1)" * 50 + "y.py": RIGHT},
    "a stub of many terms": {"a.py": STUB.format("+".join("1" * 1500))},
    "names of many parts": {"a.py": f"import a{'.a' * 99_000}\n{RIGHT}"},
    "a long sum": {"a.py": f"x = {'1+' * 90_000}1\n{RIGHT}"},
    "deep brackets": {"a.py": f"x = {'(' * 90_000}\n{RIGHT}"},
    "ids of many digits": {f"fake{i}_1_{'9' * 200}_x.py": RIGHT for i in range(9)},
    "blank metadata": {"submission_metadata.yml": " " * 10**6, "submission_1/x.py": RIGHT},
    "bzip2": {"anna/x.zip": bzip2(b"#" * 1000)},
}


@pytest.mark.parametrize("name", ODD)
def test_who_hands_in_an_odd_file_costs_nobody_a_row(tmp_path, name):
    found = rows(tree(tmp_path / "class", {**ODD[name], "ben.py": RIGHT, "carla/solution.py": RIGHT}))
    assert found["carla"].source == RIGHT and len(found) >= 3
    assert any(one.source == RIGHT for one_name, one in found.items() if one_name.startswith("ben"))


def test_what_could_unpack_to_anything_is_not_unpacked(tmp_path):
    found = rows(tree(tmp_path / "class", {**ODD["bzip2"], "ben/solution.py": RIGHT}))
    assert (
        "solution.py in x.zip is packed in a way that is not read; use plain .zip." in found["anna"].problem
    )


LIMITED = """
import resource, sys
sys.path.insert(0, {root!r})
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from tests.grading.handed_in.reading import find_submissions
print(len(find_submissions([{folder!r}])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
@pytest.mark.parametrize("name", ODD)
def test_reading_it_takes_little_time_and_memory(tmp_path, name, request):
    tree(tmp_path / "class", {**ODD[name], "ben.py": RIGHT})
    code = LIMITED.format(root=str(request.config.rootpath), folder=str(tmp_path / "class"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
