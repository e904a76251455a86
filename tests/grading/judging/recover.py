"""A function that stops at the usual questions: are there others that suit it?"""

from dataclasses import dataclass

from ..running.answers import Raised
from ..sheet.probes import Batch, Questions
from . import sentences
from .asking import Conversation, Examinee
from .explain import Known, Right, Unknown


def recover(examinee: Examinee, answer: Raised) -> Conversation[Questions | None]:
    """Questions whose answers can be explained, if there are any; what they have to be like costs the form.

    Args:
        answer: that to the usual question.
    """
    arguments, probes = examinee.exercise.arguments, examinee.probes
    if _stand_in_another_order(answer, arguments):
        examinee.order = tuple(map(arguments.index, answer.parameters))
        questions = probes.questions(arguments)
        if (yield from _are_explained(examinee, questions.values[:1])):
            examinee.lose_form(
                sentences.ORDER(stand=", ".join(answer.parameters), names=", ".join(arguments))
            )
            return questions
        examinee.order = None
    if found := (yield from explained_size(examinee)):
        examinee.lose_form(sentences.ONLY_FOR_SIZE(size=found.size))
        return Questions(found.batches, ())
    if examinee.exercise.takes_parameters and (yield from _are_explained(examinee, probes.square)):
        return Questions(probes.square, ())  # it mixes its arguments up
    return None


@dataclass(frozen=True)
class Size:
    """A size, "N = 64", with two batches that have it, and what explains the answers to them."""

    size: str
    batches: tuple[Batch, ...]
    explanation: Right | Known


def explained_size(examinee: Examinee, at_least: int = 1) -> Conversation[Size | None]:
    """The size for which the answers can be explained, if there is one, of batches with `at_least` so many
    images."""
    for size, batches in examinee.probes.particular(examinee.exercise.arguments).items():
        if min(len(batch.arrays["x"]) for batch in batches) < at_least:
            continue
        values = yield from examinee.values(*batches)
        explanation = examinee.explain_values(batches, values, depth=1)
        # Two batches of one size are too much alike to tell a number.
        if not isinstance(explanation, Unknown) and not any(way.guessed for way in explanation.mistakes):
            return Size(size, batches, explanation)
    return None


def _stand_in_another_order(answer, arguments):
    return answer.parameters != arguments and sorted(answer.parameters) == sorted(arguments)


def _are_explained(examinee, batches):
    values = yield from examinee.values(*batches)
    return not isinstance(examinee.explain_values(batches, values, depth=1), Unknown)
