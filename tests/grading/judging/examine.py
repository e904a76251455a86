"""Examines one function: call, explain, behave, verdict. The same for every exercise."""

import functools
from collections.abc import Callable

import numpy as np

from ..running.answers import Answer, Died, Raised, Returned
from ..running.question import Question
from ..sheet.probes import Batch, Probes, Questions
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula
from .asking import Asker
from .behave import RANDOM, changed, check_gradient, check_own, check_training, repeats
from .check_form import read
from .explain import expected_value, explain, follows, right_value
from .locate import UNKNOWN, charge_ignored, ignored_parameters, locate
from .locate_scores import locate_scores
from .recover import recover
from .result import Result, Verdict
from .sentences import NOT_IMPLEMENTED, trouble

# The sheet leaves open which of its shapes the two arguments of the score have: what suits counts.
_FLAT, _GRID = (-1, 784), (-1, 28, 28)
_SHAPES = ((_FLAT, _FLAT), (_GRID, _GRID), (_FLAT, _GRID))


def examine(
    exercise: Exercise,
    formula: Formula,
    call: Callable[[Question], Answer],
    probes: Probes,
    foreseen: list[Answer] | None = None,
) -> list[Result]:
    """The results of one exercise, criterion by criterion.

    Args:
        call: as `Session.call`.
        foreseen: the answers to `foreseen_questions`, if they were asked before.
    """
    best, best_is_unusable = None, True
    known = list(zip(_asked(exercise, probes), foreseen, strict=True)) if foreseen else []
    for shapes in _shapes(exercise):
        ask = Asker(exercise, call, shapes, known)
        known = []
        examination = _Examination(exercise, formula, ask, probes)
        examination.run()
        results = examination.verdict.results()
        if best is None or not examination.verdict.lost or (best_is_unusable and examination.is_explained):
            best, best_is_unusable = results, examination.verdict.unusable
        if not examination.verdict.lost or examination.is_final:
            break
    return best


def foreseen_questions(exercise: Exercise, probes: Probes) -> list[Question]:
    """What a right function is asked, almost all of it."""
    ask = Asker(exercise, None, shapes=_shapes(exercise)[0])
    return [ask.question(*asked) for asked in _asked(exercise, probes)]


def _shapes(exercise):
    return (None,) if exercise.takes_parameters else _SHAPES


def _asked(exercise, probes):
    """In the order of `_Examination`: where they differ, what is foreseen is asked once more, alone."""
    questions, differentiate = probes.questions(exercise.arguments), exercise.differentiable
    first, *others = questions.values
    others += questions.sizes[: 1 if differentiate else None]
    asked = [(first, differentiate, True), (first, differentiate, False)]
    asked += [(batch, False, False) for batch in others]
    return asked + [(batch, True, False) for batch in probes.training if differentiate]


class _Examination:
    def __init__(self, exercise, formula, ask, probes):
        self.exercise, self.formula, self.ask, self.probes = exercise, formula, ask, probes
        self.verdict = Verdict(exercise)
        self.is_final = False  # whether other shapes of the arguments would change nothing
        self.is_explained = self.is_random = self.ignores_parameters = False

    def run(self):
        questions = self.probes.questions(self.exercise.arguments)
        first = self._call(questions.values[0])
        if not isinstance(first, Returned):
            questions = self._recover(first)
            if questions is None:
                return
            first = self._call(questions.values[0])
        right = right_value(self.formula, questions.values[0])
        value = read(self.ask, first, right, self.verdict)
        if value is None:
            return
        self._examine(questions, first, value)

    def lose(self, reason, mistake):
        """The form of the answer is lost."""
        self.verdict.lose(self.exercise.form, reason, mistake)

    def trouble(self, answer, batch):
        return trouble(answer, batch.letters)

    # ------------------------------------------------------------ call

    def _call(self, batch):
        """The answer to the first question, differentiated if need be and if possible."""
        answer = self.ask(batch, self.exercise.differentiable, echo=True)
        if isinstance(answer, Raised) and self.exercise.differentiable:
            again = self.ask(batch, echo=True)
            if isinstance(again, Returned):  # it is only differentiation that fails
                self.lose(
                    f"{self.trouble(answer, batch)[0]} So it can't be differentiated.", "not differentiable"
                )
                return again
        return answer

    def _recover(self, answer: Answer) -> Questions | None:
        """Questions that suit a function which stops at the usual ones; None if there are none."""
        batch = self.probes.questions(self.exercise.arguments).values[0]
        reason, mistake = self.trouble(answer, batch)
        self.is_final = not isinstance(answer, Raised) or reason == NOT_IMPLEMENTED[0]
        if not self.is_final:
            questions = recover(self.ask, self.formula, answer, self.probes, self.verdict)
            if questions:
                return questions
        if isinstance(answer, Raised) and answer.kind in ("RuntimeError", "ValueError", "IndexError"):
            reason += f" It was called with {batch.size}."
        self.verdict.lose_all(reason, mistake, look=answer == Died("time"))
        return None

    # ------------------------------------------------------------ explain, behave

    def _examine(self, questions, first, value):
        exercise, verdict, batch = self.exercise, self.verdict, questions.values[0]
        names = self._changed(first, batch)
        if first.changed_settings:
            self.lose(
                f"Your function changes {' and '.join(first.changed_settings)} for all that follows.",
                "changes settings",
            )
        again = self.ask(batch, exercise.differentiable and exercise.form not in verdict.lost)
        if isinstance(again, Died):  # out of time, say: that is no second answer
            self.lose(*self.trouble(again, batch))
        elif not repeats(value, self.ask.numbers(again)):
            self.is_random = True
        answers = [(batch, value)]
        for other in questions.values[1:]:
            answers += self._answer(other, batch, value)
        self._keeps_answers(answers)
        if verdict.unusable:
            return
        ways, answers = self._ways(answers)
        if ways is None and self.is_random:  # right at the first call, perhaps
            ways = self._explain([(batch, value)], depth=1)
            answers = answers if ways is None else [(batch, value)]
        if names:
            ways = self._charge_changed(names, first, batch, value, ways)
        self.is_explained = ways is not None
        if exercise.own and not {exercise.form, exercise.own} & verdict.lost:
            check_own(exercise, self.formula, ways, self.ask, *answers[0], verdict)
        if ways is None:
            self._locate(answers)
        else:
            if not self.is_random:
                self._follow(ways, answers, questions)
            for way in ways:
                verdict.lose(way.part, way.sentence, way.name)
        if self.is_random and not self.ignores_parameters:
            self.lose(*RANDOM)
        if exercise.differentiable and exercise.form not in verdict.lost and not self.is_random:
            check_gradient(exercise, self.formula, ways, batch, first, verdict)
            if not verdict.lost:
                check_training(exercise, self.formula, self.ask, self.probes, verdict)
        right = right_value(self.formula, batch)
        if exercise.by_order and not verdict.lost and not np.allclose(value, right, rtol=1e-3):
            verdict.note(exercise.end, _OTHER_SCALE)

    def _changed(self, answer, batch):
        names = list(batch.arrays)
        arrays = list(batch.arrays.values())
        if self.ask.order:
            names, arrays = ([some[place] for place in self.ask.order] for some in (names, arrays))
        return changed(answer, Batch(dict(zip(names, arrays, strict=True))))

    def _answer(self, batch, first, value_of_first):
        """[(batch, value)], or [] where there is no value like that of the first batch, which is put down."""
        answer = self.ask(batch)
        value = self.ask.numbers(answer)
        like = value_of_first.shape
        if value is not None and value.ndim == len(like):
            per_image = like and like[0] == len(first.arrays["x"])
            if not per_image or len(value) == len(batch.arrays["x"]):
                return [(batch, value)]
        is_size = len(batch.arrays["x"]) != len(first.arrays["x"])
        lose = (
            self.lose
            if is_size or not self.exercise.by_order
            else functools.partial(self.verdict.lose, self.exercise.end)
        )
        if isinstance(answer, Died):
            self.lose(*self.trouble(answer, batch))
        elif isinstance(answer, Raised):
            which = f"some sizes, but not for {batch.size}" if is_size else "some images, but not for others"
            lose(f"It works for {which}: {self.trouble(answer, batch)[0]}", "size")
        elif self.ask.is_not_finite(answer):
            lose(
                f"Your {self.exercise.result} {self.exercise.are} not finite (nan or inf) for some images.",
                "not finite",
            )
        else:
            shape = list(answer.shape)
            self.lose(
                f"For {batch.size} your {self.exercise.result} {self.exercise.have} shape {shape}. {_SIZES}",
                "size",
            )
        return []

    def _keeps_answers(self, answers):
        """Drops an answer that is the one to an earlier question of the same size, which is put down."""
        (batch, value), *others = answers
        alike = [
            other for other, again in others if other.size == batch.size and np.array_equal(value, again)
        ]
        constant = all(np.ptp(np.append(np.ravel(again), np.ravel(value)[:1])) == 0 for _, again in answers)
        if constant and not self.exercise.by_order:
            number = f"{np.ravel(value)[0]:g}"
            self.verdict.lose_all(
                f"Your function gives {number}, whatever it is given. Is it still a placeholder?", "constant"
            )
        elif alike and not constant and not (value.size > 1 and not np.ptp(value)):
            self.lose(*_STATE)
            answers[:] = [(other, again) for other, again in answers if other not in alike]

    def _explain(self, answers, depth=2):
        return explain(self.exercise, self.formula, answers, depth)

    def _ways(self, answers):
        """The known mistakes behind the answers, which are read in the right shape if need be."""
        ways = self._explain(answers)
        if ways is None and self.exercise.by_order:
            answers = self._summed(answers)
        rights = [right_value(self.formula, batch) for batch, _ in answers]
        same_shape = all(
            value.shape == right.shape for (_, value), right in zip(answers, rights, strict=True)
        )
        same_size = all(value.size == right.size for (_, value), right in zip(answers, rights, strict=True))
        if ways is not None or not same_size:
            return ways, answers
        if same_shape:
            return self._explain(answers) if self.exercise.by_order else None, answers
        (batch, value), right = answers[0], rights[0]
        self.lose(*self._wrong_shape(batch, value, right))
        answers = [
            (batch, value.reshape(right.shape)) for (batch, value), right in zip(answers, rights, strict=True)
        ]
        return self._explain(answers), answers

    def _wrong_shape(self, batch, value, right):
        have = f"Your {self.exercise.result} {self.exercise.have} shape {list(value.shape)}."
        return f"{have} For {batch.size} it should be {list(right.shape)}.", "wrong shape"

    def _summed(self, answers):
        """Several numbers for each image, added up."""
        (batch, value) = answers[0]
        N = len(batch.arrays["x"])
        if value.ndim < 2 or len(value) != N or value.size == N:
            return answers
        self.lose(
            f"Your scores have shape {list(value.shape)}. There should be one for each image, {[N]}.",
            "wrong shape",
        )
        return [(batch, value.reshape(len(value), -1).sum(1)) for batch, value in answers]

    def _charge_changed(self, names, first, batch, value, ways):
        """The known mistakes, which may be fewer for the arguments as the function has changed them."""
        reason, moved_ways = f"Your function changes its argument {', '.join(names)}", None
        if ways != () and not self.ask.order:
            pairs = zip(batch.arrays.items(), first.after, strict=True)
            moved = Batch({name: after.reshape(array.shape) for (name, array), after in pairs})
            moved_ways = self._explain([(moved, value)], depth=1)
        if moved_ways is None or (ways is not None and len(ways) <= len(moved_ways)):
            self.lose(f"{reason}. Work on a copy.", "changes arguments")
            return ways
        reason += ", and computes with the changed one. Work on a copy, and take the arguments as they are."
        self.lose(reason, "changes arguments")
        self.verdict.lose(self.exercise.parts[0], reason, "changes arguments")
        return moved_ways

    def _follow(self, ways, answers, questions):
        """What explains the first answer has to explain all others, of other sizes too."""
        batch = answers[0][0]
        wrong = [
            other for other, value in answers if not follows(self.exercise, self.formula, ways, other, value)
        ]
        if self.exercise.form in self.verdict.lost and not wrong:
            return
        sizes = questions.sizes
        if self.exercise.differentiable and not ways:
            sizes = sizes[:1]  # training tries large ones
        for other in sizes if self.exercise.own not in self.verdict.lost else ():
            expected = expected_value(self.formula, ways, other)
            if expected is None or not expected.size:  # the mistake that has been named leaves nothing
                continue
            for _, value in self._answer(other, *answers[0]):
                if not follows(self.exercise, self.formula, ways, other, value):
                    wrong.append(other)
        if not wrong:
            return
        subject = f"Your {self.exercise.result} {self.exercise.are}"
        if any(other.size == batch.size for other in wrong):
            reason = f"{subject} right for some arguments, and wrong for others of the same size."
            self.lose(f"{reason} Is anything kept between calls, or cut off?", "state")
        else:
            self.lose(f"{subject} right for {batch.size}, but not for {wrong[0].size}. {_SIZES}", "size")

    def _locate(self, answers):
        exercise, verdict = self.exercise, self.verdict
        if exercise.by_order:
            locate_scores(self.ask, self.formula, answers, verdict)
            return
        batch, value = answers[0]
        right = right_value(self.formula, batch)
        if value.size != right.size:
            verdict.lose_all(*self._wrong_shape(batch, value, right))
            return
        usual = [(other, self.ask.value(other)) for other in self.probes.usual(exercise.arguments)]
        ways = None if any(value is None for _, value in usual) else self._explain(usual, depth=1)
        if ways and ways[0].guessed:
            ways = None  # two batches of one size are too much alike to tell a number
        # If it is right for some small batch as well, it is not the size that matters.
        small = [(other, value) for other, value in answers if other.size == batch.size]
        if ways is not None and not any(follows(exercise, self.formula, ways, *one) for one in small):
            self.lose(f"Your function is only right for {usual[0][0].size}. {_SIZES}", "size")
            for way in ways:
                verdict.lose(way.part, way.sentence, way.name)
            return

        def shaped(batch):
            value, right = self.ask.value(batch), right_value(self.formula, batch)
            return value.reshape(right.shape) if value is not None and value.size == right.size else value

        ignored = ignored_parameters(exercise, self.formula, shaped, self.probes, self.is_random)
        if ignored:
            self.ignores_parameters = True
            charge_ignored(exercise, self.formula, shaped, ignored, self.probes, verdict)
        elif self.is_random:  # what answers differently each time can't be asked step by step
            verdict.lose(exercise.end, UNKNOWN, "unknown", look=True)
        else:
            locate(exercise, self.formula, shaped, self.probes, verdict)
        if verdict.lost <= {exercise.form}:  # wrong numbers are never without a place
            verdict.lose(exercise.end, UNKNOWN, "unknown", look=True)


_STATE = (
    "Your function gives the same answer for other arguments of the same size. Keep nothing between calls.",
    "state",
)
_SIZES = "Take the sizes from the arguments."
_OTHER_SCALE = (
    "Your scores order the images as the squared error does, which is all that counts here. "
    "They are other numbers, so the figures that follow won't be those that the text quotes."
)
