"""pytest's option --solution.

pyproject.toml has this loaded before any conftest.py. Else pytest, which would not know the option yet, would
take its value for a folder of tests, and import what was handed in.
"""

import os
from pathlib import Path

import pytest

# Before NumPy and torch are imported: on small arrays their threads only get into each other's way.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

TESTS = Path(__file__).resolve().parent
SHEET = TESTS.parent / "exercise_sheet_8.ipynb"
FOR_A_CLASS = "A class is graded by: python -m tests.grading PATH... --grades grades.csv"


def pytest_addoption(parser):
    help = "what to grade instead of ./solution.py: a .py file, a notebook, a folder or archive of one person"
    parser.getgroup("grading").addoption("--solution", action="append", metavar="PATH", help=help)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    known = early_config.known_args_namespace
    if "" in (known.solution or ()):
        raise pytest.UsageError("--solution is empty: it names what one person handed in.")
    for argument in known.file_or_dir if known.solution else ():
        path = Path(early_config.invocation_params.dir, str(argument).split("::")[0]).resolve()
        if path != SHEET and (TESTS not in (path, *path.parents) or TESTS / "submissions" in path.parents):
            raise pytest.UsageError(f"{argument} is no test, and --solution takes one path. {FOR_A_CLASS}")
