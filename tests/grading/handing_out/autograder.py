"""Gradescope's autograder.zip, and the grading of the one submission that Gradescope or GitHub Classroom has.

python -m tests.grading.handing_out.autograder OUT.zip
    makes the archive to upload to Gradescope
python -m tests.grading.handing_out.autograder --grade PATH RESULTS.json
    grades whatever lies at PATH, for Gradescope
python -m tests.grading.handing_out.autograder --classroom PATH
    the same in a workflow, for GitHub Classroom
"""

import argparse
import json
import secrets
import sys
from pathlib import Path

from ..handed_in.reading import find_one
from ..handed_in.submission import imported_by
from ..judging.grade import grade
from ..judging.result import Cause, Grade, Result, Status
from ..reporting.gradescope import results
from ..reporting.text import number, table
from ..reporting.writing import pack, write_whole
from ..running.process import Limits, SandboxError
from ..running.sandbox import Sandbox
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA, TOTAL

GRADER = Path(__file__).resolve().parents[1]
# The small CPU build; where its index can't be reached, the large one.
SMALL = "install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
LARGE = "install torch torchvision"
OTHERS = "install numpy matplotlib scikit-learn tqdm"  # what the sheet imports, a solution may import as well
SETUP = f"""\
#!/usr/bin/env bash
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip {SMALL} || /autograder/venv/bin/pip {LARGE}
/autograder/venv/bin/pip {OTHERS}
"""
RUN = """\
#!/usr/bin/env bash
# The submission runs as another user, and nothing else may keep it from the formulas in this container.
chmod -f go= /autograder/source /autograder/results /autograder/submission_metadata.json
cd /autograder/source
/autograder/venv/bin/python -m tests.grading.handing_out.autograder \\
    --grade /autograder/submission /autograder/results/results.json
"""
# Classroom takes the points only from a workflow and a job of these names. The grader runs elsewhere, since
# Python would take a file of the author's for a module of its own.
WORKFLOW = f"""\
name: Autograding Tests
on:
  push:
  workflow_dispatch:
  repository_dispatch:
permissions:
  contents: read
jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: (python -m pip {SMALL} || python -m pip {LARGE}) && python -m pip {OTHERS}
        working-directory: ${{{{ runner.temp }}}}
      - run: cp -r tests "$RUNNER_TEMP"
      - run: python -m tests.grading.handing_out.autograder --classroom "$GITHUB_WORKSPACE"
        working-directory: ${{{{ runner.temp }}}}
"""

NOT_YET = "This is not graded yet: your teachers will look at it. The 0 is no grade."


def files() -> dict[str, str]:
    """What Gradescope needs, {path: content}: the grader, and neither answers nor examples."""
    found = {"setup.sh": SETUP, "run_autograder": RUN, "tests/__init__.py": ""}
    return found | grader_files()


def grader_files() -> dict[str, str]:
    """The grader's modules, {path: content}."""
    return {
        f"tests/grading/{path.relative_to(GRADER).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(GRADER.rglob("*.py"))
    }


def grade_one(path: Path) -> Grade:
    """The grade of whatever one person handed in.

    Raises:
        Exception: the grader itself fails.
    """
    submission = find_one(path)
    with Sandbox(Limits(), imported_by([submission])) as sandbox:
        return grade(submission, sandbox, Probes(secrets.randbelow(10**6)))  # nobody can know the answers


def write_results(path: Path, out: Path) -> Grade:
    """Grade `path` and write results.json, a valid one whatever happens.

    Raises:
        Exception: the grader itself fails, which is written as well.
    """

    def write(found):
        # Gradescope refuses what has no score at all, and would show none of the sentences.
        content = {"score": 0} | results(found)
        if found.status is Status.TO_LOOK_AT:
            content["output"] = f"{NOT_YET} {content['output']}"
        write_whole(out, (json.dumps(content, indent=2) + "\n").encode())

    def fail(reason):
        cause = Cause("grader error", f"{reason} Please tell your teachers.")
        write(Grade("submission", [Result(criterion, (cause,)) for criterion in CRITERIA], Status.NOT_GRADED))

    # Should all of this be ended from outside, by a limit of time or of memory, this stays.
    fail("The grader did not come to an end.")
    try:
        found = grade_one(path)
        write(found)
    except SandboxError as error:
        fail(str(error))
        raise
    except Exception as error:
        fail(f"The grader failed ({type(error).__name__}).")
        raise
    return found


def for_classroom(grade: Grade) -> list[str]:
    """The lines from which GitHub Classroom takes the points, and between which an author reads why."""
    word = secrets.token_hex()
    total = grade.total if grade.has_points else 0  # Classroom knows no "not yet"
    points = {"totalPoints": total, "maxPoints": TOTAL}
    return [
        f"::stop-commands::{word}",  # an author's exception may look like the lines below
        *table(grade),
        f"::{word}::",
        f"::notice title=Autograding complete::Points {number(total)}/{number(TOTAL)}",
        f"::notice title=Autograding report::{json.dumps(points, separators=(',', ':'))}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.grading.handing_out.autograder", description="Make or run an autograder."
    )
    parser.add_argument("--grade", action="store_true", help="grade PATH and write RESULTS.json")
    parser.add_argument("--classroom", action="store_true", help="grade PATH and tell GitHub its points")
    parser.add_argument("paths", nargs="+", type=Path, metavar="OUT.zip | PATH [RESULTS.json]")
    options = parser.parse_args()
    if len(options.paths) != (2 if options.grade else 1):
        parser.error("--grade takes two paths, everything else takes one")
    if sys.stdout:
        sys.stdout.reconfigure(errors="replace")  # some containers know ASCII only
    if options.grade:
        print("\n".join(table(write_results(*options.paths))))
    elif options.classroom:
        try:
            found = grade_one(*options.paths)
        except SandboxError as error:
            parser.exit(3, f"Nobody was graded, and that is not your fault. {error} Tell your teachers.\n")
        print("\n".join(for_classroom(found)))
        parser.exit(0 if found.total == TOTAL else 1)
    else:
        try:
            write_whole(options.paths[0], pack(files()))
        except OSError as error:
            parser.exit(1, f"No autograder was written: {error}.\n")
        print(f"{options.paths[0]}: {len(files())} files")


if __name__ == "__main__":
    main()
