"""Examines one function, and checks one in this process, without any protection: a student's own."""

import contextlib
import functools
import inspect
from collections.abc import Callable

from ..running import answers
from ..running.answers import Died
from ..running.inside import call as calls
from ..running.inside.resume import call_resumed
from ..sheet.mistakes import FORMULAS
from ..sheet.probes import Probes
from ..sheet.rubric import EXERCISES, Exercise
from . import sentences
from .asking import Conversation
from .converse import converse
from .examine import examine
from .result import Result


@functools.cache
def default_probes() -> Probes:
    return Probes()


def examine_safely(exercise: Exercise, probes: Probes) -> Conversation[list[Result]]:
    """examine, but an answer that the grader itself stumbles over costs that exercise, not the run."""
    try:
        return (yield from examine(exercise, FORMULAS[exercise.number], probes))
    except Exception as error:
        cause = sentences.GRADER_ERROR(kind=type(error).__name__)
        return [Result(criterion, (cause,)) for criterion in exercise.criteria]


def check_function(
    function: Callable,
    number: int,
    probes: Probes | None = None,
    around: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
) -> list[Result]:
    """The results of exercise `number`, for a function that runs in this process. Never raises.

    Args:
        around: called for each call of the function, which runs inside of what it gives.
    """
    examination = examine_safely(EXERCISES[number], probes or default_probes())
    return over_function(examination, function, around)


def over_function(conversation: Conversation, function: Callable, around=contextlib.nullcontext):
    """What a conversation with a function in this process comes to."""
    calls.import_torch()

    def ask(question):
        with around():
            found = _found(function, question)
        try:
            return answers.parse_answer(*found, question)
        except (ValueError, TypeError, KeyError):  # odd as it is, a session would have ended there
            return Died("crash")

    return converse([conversation], lambda _: None, ask)[0]


def _found(function, question):
    plain = inspect.unwrap(function)
    if question.stand_in is not None and inspect.isfunction(plain):
        where = plain.__name__, plain.__globals__, plain.__code__.co_filename
        return call_resumed(*where, question.arrays, question.stand_in, question.trace)
    return calls.call(function, question.arrays, question.differentiate, question.echo, None, question.trace)
