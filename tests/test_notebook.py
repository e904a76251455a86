"""The notebook, executed from top to bottom; every output but the figures is compared strictly."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import data

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "exercise_sheet_8.ipynb"
SHEETS_FIGURES = (
    "27.89 19.00 14.07 14.76 13.09",
    "48.78 44.07 40.70 34.89 29.79 29.04 28.04 24.56 24.82 24.84 "
    "20.79 21.96 19.79 19.85 16.88 15.90 18.63 18.49 16.06 16.37",
    "0.987775",
)


def nbval(notebook, compare=True):
    """Run nbval on `notebook` in a pytest of its own, with this environment's kernel."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval" if compare else "--nbval-lax"]
    command += ["--nbval-current-env", "--nbval-sanitize-with", str(ROOT / "tests" / "nbval.cfg")]
    command += [
        "--nbval-cell-timeout",
        "600",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
        str(notebook),
    ]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT)


@pytest.fixture(scope="module")
def cells():
    return nbformat.read(NOTEBOOK, as_version=4).cells


def test_notebook_runs_and_prints_what_is_stored():
    result = nbval(NOTEBOOK, compare=not data.load_mnist()[0].is_sample)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("printed", "stored", "passes"),
    [
        ("27.89 19.00 14.07 14.76 13.09", "27.89 19.00 14.07 14.76 13.09", True),
        ("27.89 19.00 14.06 14.76 13.09", "27.89 19.00 14.07 14.76 13.09", True),
        ("27.89 19.00 14.05 14.76 13.09", "27.89 19.00 14.07 14.76 13.09", False),
        ("27.89 19.00 14.06 14.76 13.08", "27.89 19.00 14.07 14.76 13.09", False),
        ("0.987775", "0.987776", False),
    ],
)
def test_an_altered_figure_is_noticed(tmp_path, printed, stored, passes):
    output = nbformat.v4.new_output("stream", name="stdout", text=f"{stored}\n")
    cell = nbformat.v4.new_code_cell(f"print('{printed}')", outputs=[output], execution_count=1)
    notebook = tmp_path / "altered.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    assert (nbval(notebook).returncode == 0) == passes


def test_stored_outputs_are_the_sheets_figures(cells):
    text = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
    for figures in SHEETS_FIGURES:
        assert figures in text


def test_every_code_cell_was_run_in_order(cells):
    # nbval compares nothing in a cell that has neither outputs nor a count.
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_file_is_small_and_clean(cells):
    assert NOTEBOOK.stat().st_size < 1_000_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in cells:
        assert set(cell.metadata) <= {"tags"}
        assert cell.cell_type != "code" or len(cell.source.splitlines()) <= 25
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert not re.search(
                r"\r|0x[0-9a-f]{6}", str(output.get("text", output.get("data", {}).get("text/plain")))
            )
