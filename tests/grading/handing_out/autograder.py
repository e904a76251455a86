"""Gradescope's autograder.zip, and the grading of a single submission there or on GitHub Classroom."""

import argparse
import json
import secrets
import sys
from pathlib import Path

from ..handed_in.reading import find_one
from ..handed_in.submission import Submission, imported_by
from ..judging.grade import grade
from ..judging.result import Cause, Grade, Result, Status
from ..reporting.gradescope import results
from ..reporting.text import number, table
from ..reporting.writing import pack, write_whole
from ..running.process import SandboxError
from ..running.sandbox import Sandbox
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA, TOTAL

HERE = Path(__file__).resolve().parent
NOT_YET = "This is not graded yet: your teachers will look at it. The 0 is no grade."


def files() -> dict[str, str]:
    """What Gradescope needs, {path: content}: the grader, and neither answers nor examples."""
    scripts = {name: (HERE / name).read_text(encoding="utf-8") for name in ("setup.sh", "run_autograder")}
    return scripts | {"tests/__init__.py": ""} | grader_files()


def grader_files() -> dict[str, str]:
    """The grader's modules, {path: content}."""
    return {
        f"tests/grading/{path.relative_to(HERE.parent).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(HERE.parent.rglob("*.py"))
    }


def grade_alone(submission: Submission, path: Path) -> Grade:
    """The grade of what lies at `path`, for inputs that are new each time: nobody can know the answers.

    Raises:
        SandboxError: this machine can't grade.
    """
    folder = path if path.is_dir() else path.resolve().parent
    with Sandbox(preload=imported_by([submission]), hidden=[folder]) as sandbox:
        return grade(submission, sandbox, Probes(secrets.randbelow(10**6)))


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
        found = grade_alone(find_one(path), path)
        write(found)
    except Exception as error:
        is_known = isinstance(error, SandboxError)
        fail(str(error) if is_known else f"The grader failed ({type(error).__name__}).")
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
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("out", nargs="?", type=Path, metavar="OUT.zip", help="make Gradescope's archive")
    what.add_argument("--grade", nargs=2, type=Path, metavar=("PATH", "RESULTS.json"), help="for Gradescope")
    what.add_argument("--classroom", type=Path, metavar="PATH", help="grade PATH, tell GitHub its points")
    options = parser.parse_args()
    if sys.stdout:
        sys.stdout.reconfigure(errors="replace")  # some containers know ASCII only
    if options.grade:
        print("\n".join(table(write_results(*options.grade))))
    elif options.classroom:
        try:
            found = grade_alone(find_one(options.classroom), options.classroom)
        except SandboxError as error:
            parser.exit(3, f"Nobody was graded, and that is not your fault. {error} Tell your teachers.\n")
        print("\n".join(for_classroom(found)))
        parser.exit(0 if found.total == TOTAL else 1)
    else:
        try:
            write_whole(options.out, pack(files()))
        except OSError as error:
            parser.exit(1, f"No autograder was written: {error}.\n")
        print(f"{options.out}: {len(files())} files")


if __name__ == "__main__":
    main()
