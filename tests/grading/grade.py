"""Grades one submission, and checks one function."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from . import answers
from .answers import Answer, Died
from .examine import examine, foreseen_questions
from .exercises import CRITERIA, EXERCISES, Exercise
from .inside import call as inside
from .mistakes import FORMULAS
from .probes import Probes
from .sandbox import Sandbox, SandboxError
from .session import Session
from .submission import Submission
from .trouble import trouble
from .verdict import Result


@dataclass(frozen=True)
class Grade:
    """What a submission earned.

    Attributes:
        results: one for each criterion, in the rubric's order.
        status: "graded", or what kept it from being run: "unreadable", "import failed".
        note: a remark for the author, or "".
        output: what it printed while it ran.
        unprotected: a sentence for each protection of the machine that could not be had.
        notes: what was done to the points after grading, a sentence each.
        seed: what its probes were drawn from.
    """

    name: str
    results: list[Result]
    status: str = "graded"
    note: str = ""
    output: str = ""
    unprotected: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    seed: int = 0

    @property
    def total(self) -> float:
        return sum(result.points for result in self.results)

    def points(self, exercise: int) -> float:
        return sum(result.points for result in self.results if result.criterion.exercise == exercise)

    @property
    def mistakes(self) -> dict[str, Result]:
        """The distinct mistakes by their sentence, each with the first result that it cost."""
        found: dict[str, Result] = {}
        for result in self.results:
            if result.reason:
                found.setdefault(result.reason, result)
        return found

    def to_dict(self) -> dict:
        """As plain data, for another process."""
        results = [
            [r.criterion.id, r.reason, r.mistake, r.points, r.needs_look, r.note] for r in self.results
        ]
        return vars(self) | {"results": results}

    @classmethod
    def from_dict(cls, plain: dict) -> "Grade":
        criteria = {criterion.id: criterion for criterion in CRITERIA}
        results = [Result(criteria[id], *others) for id, *others in plain["results"]]
        return cls(**plain | {"results": results})


@functools.cache
def default_probes() -> Probes:
    return Probes()


def grade(submission: Submission, sandbox: Sandbox, probes: Probes | None = None) -> Grade:
    """Run a submission in the sandbox and decide its points; `probes` are those of this run of the grader."""
    probes = probes or default_probes()
    if submission.problem:
        return _nothing(submission, "unreadable", submission.problem, "unreadable")
    found, is_orphan = _run(submission, sandbox, probes)
    return _run(submission, sandbox, probes)[0] if is_orphan else found


def _run(submission, sandbox, probes):
    """The grade, and whether it may be the machine's fault."""
    seconds = sandbox.limits.seconds
    with Session(sandbox, submission) as session:
        if isinstance(session.loaded, tuple):
            foreseen = _foreseen(session, probes)
            results = [
                result
                for exercise in EXERCISES.values()
                for result in _examine(exercise, session.call, probes, seconds, foreseen.get(exercise.number))
            ]
            result = Grade(submission.name, results, note=submission.note or "")
        else:
            reason, mistake = trouble(session.loaded, seconds)
            if mistake not in ("syntax", "import"):
                reason = "While it is imported: " + reason.replace("Your function", "your file")
            look = session.loaded == Died("time")
            result = _nothing(submission, "import failed", reason, mistake, look)
        session.close()
        found = replace(
            result, output=session.output.strip(), unprotected=tuple(sandbox.missing), seed=probes.seed
        )
        return found, session.is_orphan


def _foreseen(session, probes):
    """For each exercise the answers to what right functions are asked, in one message; {} if none come."""
    questions = {
        exercise.number: foreseen_questions(exercise, probes)
        for exercise in EXERCISES.values()
        if exercise.function in session.loaded
    }
    answers = session.call_all([one for some in questions.values() for one in some])
    rest = iter(answers or ())
    return {number: [next(rest) for _ in some] for number, some in questions.items()} if answers else {}


def _examine(
    exercise: Exercise,
    call: Callable[..., Answer],
    probes: Probes,
    seconds: float | None,
    foreseen: list[Answer] | None = None,
) -> list[Result]:
    """examine, but an answer that the grader itself stumbles over costs that exercise, not the run."""
    try:
        with np.errstate(all="ignore"):  # known mistakes may overflow, whatever the notebook has set
            return examine(exercise, FORMULAS[exercise.number], call, probes, seconds, foreseen)
    except SandboxError:
        raise
    except Exception as error:
        reason = (
            f"The grader can make no sense of the answer ({type(error).__name__}). Tell your "
            "teachers if it is honest."
        )
        return [Result(criterion, reason, "grader error", needs_look=True) for criterion in exercise.criteria]


def check_function(function: Callable, number: int, probes: Probes | None = None) -> list[Result]:
    """The results of exercise `number`, for a function that runs in this process. Never raises."""
    inside.import_torch()

    def call(_, arrays, *modes):
        return answers.read(*inside.call(function, arrays, *modes), arrays, look=modes[-1])

    return _examine(EXERCISES[number], call, probes or default_probes(), None)


def _nothing(submission, status, reason, mistake, look=False):
    results = [Result(criterion, reason, mistake, needs_look=look) for criterion in CRITERIA]
    return Grade(submission.name, results, status, submission.note or "")


def earlier_exercise(grade: Grade, result: Result) -> int | None:
    """The earlier exercise that has lost points for the very same mistake, if there is one."""
    if grade.status != "graded":
        return None
    for other in grade.results:
        earlier = other.criterion.exercise < result.criterion.exercise
        if earlier and other.reason == result.reason and result.reason:
            return other.criterion.exercise
    return None
