"""The examination is a conversation: what is asked, in which message, and what the answers come to."""

import numpy as np
import pytest

from tests.grading.judging.examine import examine
from tests.grading.judging.grade import default_probes
from tests.grading.running.answers import Died, Raised, Returned
from tests.grading.sheet.mistakes import FORMULAS
from tests.grading.sheet.rubric import EXERCISES
from tests.grading.sheet.steps import evaluate


def begun(number):
    conversation = examine(EXERCISES[number], FORMULAS[number], default_probes())
    return conversation, next(conversation)


def right_answer(number, question):
    """As from a table: what the sheet's formula gives, with no function and no process anywhere."""
    arguments = [array.astype(np.float64) for array in question.arrays]
    if number == 3:
        arguments = [array.reshape(len(array), -1) for array in arguments]
    value = evaluate(FORMULAS[number], (), arguments)
    after = question.arrays if question.echo else ()
    return Returned("tensor", value.shape, "torch.float32", value, after=after)


def ended(conversation, answers):
    """The results, if these answers are the last that it takes."""
    with pytest.raises(StopIteration) as end:
        conversation.send(answers)
    return end.value.value


def test_right_images_are_asked_in_one_message():
    conversation, message = begun(2)
    assert {question.function for question in message} == {"reconstruct"}
    results = ended(conversation, [right_answer(2, question) for question in message])
    assert not any(result.lost for result in results)


def test_right_scores_are_asked_once_more_for_a_part_of_the_batch():
    conversation, message = begun(3)
    (part,) = conversation.send([right_answer(3, question) for question in message])
    assert 0 < len(part.arrays[0]) < len(message[0].arrays[0])
    assert not any(result.lost for result in ended(conversation, [right_answer(3, part)]))


def test_a_loss_without_a_gradient_loses_its_form():
    conversation, message = begun(1)
    results = ended(conversation, [right_answer(1, question) for question in message])
    assert {r.criterion.part: r.mistake for r in results if r.lost} == {"scalar": "detached"}


def test_every_function_is_asked_for_a_batch_as_the_notebook_has_them():
    for number in (1, 2, 3):
        _, message = begun(number)
        assert max(len(question.arrays[0]) for question in message) >= 129
    assert all(max(len(q.arrays[3]) for q in begun(number)[1]) >= 64 for number in (1, 2))


@pytest.mark.parametrize("number", EXERCISES)
def test_after_a_death_nothing_was_reached_but_the_form_is_lost(number):
    exercise = EXERCISES[number]
    conversation, message = begun(number)
    results = ended(conversation, [Died("time", 10)] * len(message))
    kinds = {result.criterion.part: result.mistake for result in results}
    assert kinds.pop(exercise.form) == "time" and set(kinds.values()) == {"not reached"}
    assert not any(result.points for result in results) and all(result.needs_human for result in results)


def test_a_stub_is_asked_nothing_else():
    stub = Raised("NotImplementedError", "Exercise 2", 3, 'raise NotImplementedError("Exercise 2")')
    conversation, message = begun(2)
    assert {r.mistake for r in ended(conversation, [stub] * len(message))} == {"not implemented"}
