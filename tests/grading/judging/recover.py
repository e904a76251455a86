"""A function that stops at the usual questions: are there others that suit it?"""

import itertools

from ..running.answers import Raised
from ..sheet.probes import Probes, Questions
from ..sheet.steps import Formula
from .asking import Asker
from .explain import explain
from .result import Verdict


def recover(
    ask: Asker, formula: Formula, answer: Raised, probes: Probes, verdict: Verdict
) -> Questions | None:
    """Questions whose answers can be explained, if there are any; what they have to be like costs the form.

    Args:
        answer: that to the usual question.
    """
    usual = probes.usual(ask.exercise.arguments)
    if not ask.exercise.takes_parameters:
        return _of_one_size(ask, formula, usual, verdict)
    found = _in_another_order(ask, formula, answer, probes, verdict) or _of_one_size(
        ask, formula, usual, verdict
    )
    if found is None and _are_explained(ask, formula, probes.square):  # it mixes its arguments up
        found = Questions(probes.square, ())
    return found


def _in_another_order(ask, formula, answer, probes, verdict):
    names = ask.exercise.arguments
    questions = probes.questions(names)
    if answer.parameters == names:
        return None  # they may be mixed up in its body
    orders = [(0, *order) for order in itertools.permutations(range(1, len(names)))]
    if sorted(answer.parameters) == sorted(names):
        orders.insert(0, tuple(map(names.index, answer.parameters)))
    for ask.order in orders:
        if _are_explained(ask, formula, questions.values[:1]):
            stand = ", ".join(names[place] for place in ask.order)
            reason = (
                f"The parameters of your function stand in the order {stand}. "
                f"The sheet's order is {', '.join(names)}."
            )
            verdict.lose(ask.exercise.form, reason, "order of parameters")
            return questions
    ask.order = None
    return None


def _of_one_size(ask, formula, batches, verdict):
    if not _are_explained(ask, formula, batches):
        return None
    reason = f"Your function is only right for {batches[0].size}. Take the sizes from the arguments."
    verdict.lose(ask.exercise.form, reason, "size")
    return Questions(batches, ())


def _are_explained(ask, formula, batches):
    answers = []
    for batch in batches:
        value = ask.value(batch)
        if value is None:
            return False
        answers.append((batch, value))
    return explain(ask.exercise, formula, answers, depth=1) is not None
