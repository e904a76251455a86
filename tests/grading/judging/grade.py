"""Grades one submission, and checks one function."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..handed_in.submission import Submission
from ..running import answers
from ..running.answers import Answer, Died
from ..running.inside import call as inside
from ..running.process import SandboxError
from ..running.question import Question
from ..running.sandbox import Sandbox
from ..running.session import Session
from ..sheet.mistakes import FORMULAS
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA, EXERCISES, Exercise
from .examine import examine, foreseen_questions
from .result import Grade, Result
from .sentences import trouble


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
            foreseen = _foreseen(session, probes)
            results = [
                result
                for exercise in EXERCISES.values()
                for result in _examine(exercise, session.call, probes, foreseen.get(exercise.number))
            ]
            result = Grade(submission.name, results, note=submission.note or "")
        else:
            reason, mistake = trouble(session.loaded)
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
    call: Callable[[Question], Answer],
    probes: Probes,
    foreseen: list[Answer] | None = None,
) -> list[Result]:
    """examine, but an answer that the grader itself stumbles over costs that exercise, not the run."""
    try:
        with np.errstate(all="ignore"):  # known mistakes may overflow, whatever the notebook has set
            return examine(exercise, FORMULAS[exercise.number], call, probes, foreseen)
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

    def call(question):
        found = inside.call(function, question.arrays, question.differentiate, question.echo)
        return answers.parse_answer(*found, question)

    return _examine(EXERCISES[number], call, probes or default_probes())


def _nothing(submission, status, reason, mistake, look=False):
    results = [Result(criterion, reason, mistake, needs_look=look) for criterion in CRITERIA]
    return Grade(submission.name, results, status, submission.note or "")
