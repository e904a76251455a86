"""Made-up grades, and runs that write them."""

import csv
from pathlib import Path

from tests.grading.course.outputs import Files, Outputs
from tests.grading.handed_in.submission import Submission
from tests.grading.judging.result import Cause, Grade, Result
from tests.grading.sheet.rubric import CRITERIA

HIDDEN, OWN = (next(c.points for c in CRITERIA if c.id == id) for id in ("1.hidden", "3.own"))
ALL = {criterion.id for criterion in CRITERIA}
NO_RELU = Cause("none", "Your hidden layer has no activation.")


def graded(name: str, lost=(), *causes: Cause, **more) -> Grade:
    """A grade that has lost these criteria, for one cause or for several."""
    results = [Result(c, (causes or (NO_RELU,)) if c.id in lost else ()) for c in CRITERIA]
    return Grade(name, results, **more)


def undecided(name: str, **more) -> Grade:
    """The grade of a submission that a human has to look at before it has points."""
    cause = Cause("unreadable", "Which one?", needs_human=True)
    return graded(name, ALL, cause, **{"unclear": "Which one?"} | more)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(some: list[Grade], /, *others: str, **files) -> Outputs:
    """What a run has written and says that has graded these; the others' names are not reached."""
    people = [Submission(one.name, id=one.id) for one in some] + [Submission(name) for name in others]
    found = Outputs(people, Files(**files))
    for one in some:
        found.add(one)
    found.finish()
    return found
