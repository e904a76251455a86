"""A function that stops at the usual questions: are there others that suit it?"""

from ..running.answers import Raised
from ..sheet.probes import Questions
from . import sentences
from .asking import Conversation, Examinee
from .explain import Unknown


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
                *sentences.ORDER(stand=", ".join(answer.parameters), names=", ".join(arguments))
            )
            return questions
        examinee.order = None
    for size, batches in probes.particular(arguments).items():
        if (yield from _are_explained(examinee, batches)):
            examinee.lose_form(*sentences.ONLY_FOR_SIZE(size=size))
            return Questions(batches, ())
    if examinee.exercise.takes_parameters and (yield from _are_explained(examinee, probes.square)):
        return Questions(probes.square, ())  # it mixes its arguments up
    return None


def _stand_in_another_order(answer, arguments):
    return answer.parameters != arguments and sorted(answer.parameters) == sorted(arguments)


def _are_explained(examinee, batches):
    values = yield from examinee.values(*batches)
    return not isinstance(examinee.explain_values(batches, values, depth=1), Unknown)
