"""Grades one submission."""

from dataclasses import replace

from ..handed_in.submission import Submission
from ..running.sandbox import Sandbox
from ..running.session import Session
from ..sheet.probes import Probes
from ..sheet.rubric import CRITERIA, EXERCISES
from . import sentences
from .converse import converse
from .function import default_probes, examine_safely
from .result import UNREADABLE, Cause, Grade, Result, Status, Verdict


def grade(submission: Submission, sandbox: Sandbox, probes: Probes | None = None) -> Grade:
    """Run a submission in the sandbox and decide its points; `probes` are those of this run of the grader."""
    probes = probes or default_probes()
    if submission.problem:
        cause = Cause(UNREADABLE, submission.problem, submission.needs_human)
        return _nothing(cause, Status.UNREADABLE).of(submission)
    return _run(submission, sandbox, probes).of(submission)


def _run(submission, sandbox, probes):
    with Session(sandbox, submission) as session:
        if isinstance(session.loaded, tuple):
            found = Grade(submission.name, _results(session, probes))
        else:
            cause = sentences.cause_of(session.loaded, of="file")
            if cause.kind not in ("syntax", "import"):
                cause = replace(cause, sentence=f"While it is imported: {cause.sentence}")
            found = _nothing(cause, Status.IMPORT_FAILED)
        session.close()
        output, unprotected = session.output.strip(), tuple(sandbox.unprotected)
        notes = (sentences.left_out(session.left_out),) if session.left_out else ()
        return replace(found, output=output, unprotected=unprotected, seed=probes.seed, notes=notes)


def _results(session, probes):
    there = [exercise for exercise in EXERCISES.values() if exercise.function in session.loaded]
    examinations = converse(
        [examine_safely(exercise, probes) for exercise in there], session.call_all, session.call
    )
    examined = {exercise.number: results for exercise, results in zip(there, examinations, strict=True)}
    return [result for e in EXERCISES.values() for result in examined.get(e.number) or _missing(e, session)]


def _missing(exercise, session):
    answer = session.missing(exercise.function)
    return Verdict(exercise).lose_all(sentences.cause_of(answer)).results()


def _nothing(cause, status):
    return Grade("", [Result(criterion, (cause,)) for criterion in CRITERIA], status)
