"""Grades one submission, and checks one function."""

import functools
from collections.abc import Callable
from dataclasses import replace

from ..handed_in.submission import Submission
from ..running.answers import Died, Missing
from ..running.sandbox import Sandbox
from ..running.session import Session
from ..sheet.mistakes import FORMULAS
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA, EXERCISES, Exercise
from . import sentences
from .asking import Conversation
from .converse import over_function, over_session
from .examine import examine
from .result import Grade, Result, Verdict


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
    with Session(sandbox, submission) as session:
        if isinstance(session.loaded, tuple):
            found = Grade(submission.name, _results(session, probes), note=submission.note or "")
        else:
            reason, mistake = sentences.sentence_for(session.loaded, of="file")
            if mistake not in ("syntax", "import"):
                reason = f"While it is imported: {reason}"
            look = session.loaded == Died("time")
            found = _nothing(submission, "import failed", reason, mistake, look)
        session.close()
        output, missing = session.output.strip(), tuple(sandbox.missing)
        return replace(found, output=output, unprotected=missing, seed=probes.seed), session.is_orphan


def _results(session, probes):
    there = [exercise for exercise in EXERCISES.values() if exercise.function in session.loaded]
    examinations = over_session([_examine(exercise, probes) for exercise in there], session)
    examined = {exercise.number: results for exercise, results in zip(there, examinations, strict=True)}
    return [result for e in EXERCISES.values() for result in examined.get(e.number) or _missing(e)]


def _missing(exercise):
    return Verdict(exercise).lose_all(*sentences.sentence_for(Missing(exercise.function))).results()


def _examine(exercise: Exercise, probes: Probes) -> Conversation[list[Result]]:
    """examine, but an answer that the grader itself stumbles over costs that exercise, not the run."""
    try:
        return (yield from examine(exercise, FORMULAS[exercise.number], probes))
    except Exception as error:
        failure = sentences.GRADER_ERROR(kind=type(error).__name__)
        return Verdict(exercise).lose_all(*failure, look=True).results()


def check_function(function: Callable, number: int, probes: Probes | None = None) -> list[Result]:
    """The results of exercise `number`, for a function that runs in this process. Never raises."""
    return over_function(_examine(EXERCISES[number], probes or default_probes()), function)


def _nothing(submission, status, reason, mistake, look=False):
    results = [Result(criterion, reason, mistake, needs_look=look) for criterion in CRITERIA]
    return Grade(submission.name, results, status, submission.note or "")
