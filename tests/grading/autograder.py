"""Gradescope's autograder.zip, and the grading of the one submission that Gradescope or GitHub Classroom has.

python -m tests.grading.autograder OUT.zip                     makes the archive to upload to Gradescope
python -m tests.grading.autograder --grade PATH RESULTS.json   grades whatever lies at PATH
python -m tests.grading.autograder --criterion ID PATH         exits with 0 if PATH earns that criterion
"""

import argparse
import ast
import json
from pathlib import Path

from . import mistakes
from .collect import find_one
from .exercises import CRITERIA
from .files import pack, write_whole
from .grade import Grade, grade
from .gradescope import results
from .report import table
from .sandbox import Limits, Sandbox, SandboxError
from .steps import Step
from .submission import imported_by

HERE = Path(__file__).resolve().parent
TORCH = "install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
SETUP = f"""\
#!/usr/bin/env bash
set -e
apt-get update
apt-get install -y python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip {TORCH}
/autograder/venv/bin/pip install numpy matplotlib
"""
RUN = """\
#!/usr/bin/env bash
cd /autograder/source
/autograder/venv/bin/python -m tests.grading.autograder \\
    --grade /autograder/submission /autograder/results/results.json
"""
WORKFLOW = f"""\
name: Autograding
on: [push, repository_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  autograding:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip {TORCH} && python -m pip install numpy matplotlib
      - uses: education/autograding@v1
"""


def files() -> dict[str, str]:
    """What Gradescope needs, {path: content}: the grader, and neither answers nor examples."""
    found = {"setup.sh": SETUP, "run_autograder": RUN, "tests/__init__.py": ""}
    return found | grader_files()


def grader_files() -> dict[str, str]:
    """The grader's modules, {path: content}, without what mistakes.py says in torch: that is for tests."""
    found = {}
    for path in sorted(HERE.rglob("*.py")):
        content = path.read_text(encoding="utf-8")
        if path == Path(mistakes.__file__):
            content = ast.unparse(_WithoutTorch().visit(ast.parse(content)))
        found[f"tests/grading/{path.relative_to(HERE).as_posix()}"] = content
    return found


class _WithoutTorch(ast.NodeTransformer):
    def __init__(self):
        steps = [step for step in vars(mistakes).values() if isinstance(step, Step)]
        self._texts = {way.torch for step in steps for way in (step.right, *step.mistakes)}

    def visit_Constant(self, node):
        return ast.Constant("") if node.value in self._texts else node

    def visit_JoinedStr(self, node):
        return ast.Constant("") if "F." in ast.unparse(node) else self.generic_visit(node)


def classroom_files() -> dict[str, str]:
    """What a repository needs for GitHub Classroom to grade it, a test for each criterion."""
    tests = [
        {
            "name": f"Exercise {criterion.exercise}: {criterion.sentence}",
            "setup": "",
            "run": f"python -m tests.grading.autograder --criterion {criterion.id} .",
            "input": "",
            "output": "",
            "comparison": "included",
            "timeout": 5,  # minutes
            "points": criterion.points,
        }
        for criterion in CRITERIA
    ]
    return {
        ".github/classroom/autograding.json": json.dumps({"tests": tests}, indent=2) + "\n",
        ".github/workflows/classroom.yml": WORKFLOW,
    }


def grade_one(path: Path, limits: Limits | None = None) -> Grade:
    """The grade of whatever one person handed in.

    Raises:
        Exception: the grader itself fails.
    """
    submission = find_one(path)
    with Sandbox(limits or Limits(), imported_by([submission])) as sandbox:
        return grade(submission, sandbox)


def write_results(path: Path, out: Path) -> None:
    """Grade `path` and write results.json, a valid one whatever happens."""
    failed = {"score": 0, "output_format": "text", "visibility": "visible", "tests": []}

    def write(content):
        write_whole(out, (json.dumps(content, indent=2) + "\n").encode())

    # Should all of this be ended from outside, by a limit of time or of memory, this stays.
    write(failed | {"output": "The grader did not come to an end. Please tell your teachers."})
    try:
        found = grade_one(path)
        write(results(found))
        print("\n".join(table(found)))
    except SandboxError as error:
        write(failed | {"output": f"{error} Please tell your teachers."})
        raise
    except Exception as error:
        write(failed | {"output": f"The grader failed ({type(error).__name__}). Please tell your teachers."})
        raise


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.grading.autograder", description="Make or run an autograder."
    )
    parser.add_argument("--grade", action="store_true", help="grade PATH and write RESULTS.json")
    parser.add_argument("--criterion", choices=[criterion.id for criterion in CRITERIA], metavar="ID")
    parser.add_argument("paths", nargs="+", type=Path, metavar="OUT.zip | PATH [RESULTS.json]")
    options = parser.parse_args()
    if len(options.paths) != (2 if options.grade else 1):
        parser.error("--grade takes two paths, everything else takes one")
    if options.grade:
        write_results(*options.paths)
    elif options.criterion:
        found = grade_one(options.paths[0])
        (result,) = (result for result in found.results if result.criterion.id == options.criterion)
        print(result.reason or "ok")
        parser.exit(1 if result.reason else 0)
    else:
        try:
            write_whole(options.paths[0], pack(files()))
        except OSError as error:
            parser.exit(1, f"No autograder was written: {error}.\n")
        print(f"{options.paths[0]}: {len(files())} files")


if __name__ == "__main__":
    main()
