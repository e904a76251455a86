"""Examines one function: ask, explain, behave, locate, verdict. The same for every exercise."""

from dataclasses import replace

import numpy as np

from ..running.answers import Died, Raised, Returned
from ..sheet.probes import Batch, Probes
from ..sheet.rubric import Exercise
from ..sheet.steps import Formula
from . import sentences
from .asking import Conversation, Examinee, Round
from .behave import check_effects, check_gradient, check_own, check_training, not_repeatable
from .check_form import check_form
from .explain import Explanation, Known, Right, Unknown, expected_value, follows
from .ignored import charge_ignored, ignored_arguments
from .locate import locate, locate_random
from .locate_scores import explain_images_alone, locate_scores, mean_scores
from .reached import credit_what_was_right, settle_unknown
from .recover import explained_size, recover
from .result import Result


def examine(exercise: Exercise, formula: Formula, probes: Probes) -> Conversation[list[Result]]:
    """The results of one exercise, criterion by criterion.

    A right function is asked all in the first message, but for what depends on its own scores.
    """
    best = None
    for shapes in exercise.shapes:
        examination = _Examination(Examinee(exercise, formula, probes, shapes))
        yield from examination.run()
        is_right = not examination.verdict.lost
        if best is None or is_right or (best.verdict.unusable and examination.points > best.points):
            best = examination
        if is_right or examination.is_final:
            break
    return best.verdict.results()


class _Examination:
    """One function, with its arguments in one shape.

    Attributes:
        is_final: whether other shapes of the arguments would change nothing.
    """

    def __init__(self, examinee: Examinee):
        self.examinee, self.exercise, self.verdict = examinee, examinee.exercise, examinee.verdict
        self.is_final = False

    @property
    def points(self) -> float:
        return sum(result.points for result in self.verdict.results())

    def run(self) -> Conversation[None]:
        examinee = self.examinee
        replies = yield from examinee.round(examinee.probes.questions(self.exercise.arguments))
        is_dead = isinstance(replies.first, Died)
        if not isinstance(replies.first, Returned):
            replies = yield from self._other_round(replies)
        if replies is not None:
            right = examinee.right(replies.questions.values[0])
            value = check_form(examinee, replies.first, right)
            if value is not None:
                yield from self._judge(replies, value)
        if self.verdict.unusable and not (is_dead or self.verdict.is_unwritten):
            yield from credit_what_was_right(examinee)

    # ------------------------------------------------------------ ask

    def _other_round(self, replies: Round) -> Conversation[Round | None]:
        """Questions that suit a function which stops at the usual ones, and its answers; None if none do."""
        examinee, batch, answer = self.examinee, replies.questions.values[0], replies.first
        if isinstance(answer, Raised) and self.exercise.differentiable:
            plain = yield [examinee.question(batch, echo=True), examinee.question(batch)]
            if isinstance(plain[0], Returned):  # it is only differentiation that fails
                why = sentences.cause_of(answer, batch.letters).sentence
                examinee.lose_form(sentences.STOPS_IN_TRAINING(why=why))
                return Round(replies.questions, *plain, replies.others, replies.sizes, [])
        self.is_final = not isinstance(answer, Raised) or sentences.is_stub(answer)
        if not self.is_final:
            questions = yield from recover(examinee, answer)
            if questions:
                return (yield from self._round_anew(questions))
        cause = sentences.cause_of(answer, batch.letters)
        if isinstance(answer, Raised) and answer.kind in ("RuntimeError", "ValueError", "IndexError"):
            cause = replace(cause, sentence=f"{cause.sentence} It was called with {batch.size}.")
        self.verdict.stop(cause)
        return None

    def _round_anew(self, questions):
        replies = yield from self.examinee.round(questions)
        if isinstance(replies.first, Returned):
            return replies
        self.verdict.stop(sentences.cause_of(replies.first))
        return None

    # ------------------------------------------------------------ judge

    def _judge(self, replies: Round, value: np.ndarray) -> Conversation[None]:
        examinee, exercise, verdict = self.examinee, self.exercise, self.verdict
        batch = replies.questions.values[0]
        right = examinee.right(batch)
        check_effects(examinee, replies)
        if (
            exercise.differentiable and replies.first.graded_inside
        ):  # then it may stop where nothing has a slope
            examinee.lose_form(sentences.OWN_BACKWARD())
        changing = not_repeatable(examinee, replies, value)
        if len(batch.arrays["x"]) == 1 and value.size == right.size:  # it takes one image only
            value = value.reshape(right.shape)
        answers = yield from self._answers(replies, value, changing)
        if answers is None:
            return
        explanation, answers = self._explain(answers, depth=1 if changing else 2)
        if exercise.own and not changing and not {exercise.form, exercise.own} & verdict.lost:
            yield from check_own(examinee, explanation, *answers[0])
            if exercise.own in verdict.lost and isinstance(explanation, Known):  # which may come from that
                alone = yield from explain_images_alone(examinee, batch)
                explanation = explanation if isinstance(alone, Unknown) else alone
        explanation = yield from self._charge(explanation, answers, replies, changing)
        if exercise.differentiable and exercise.form not in verdict.lost:
            check_gradient(examinee, explanation, batch, replies.first)
            if not verdict.lost:
                check_training(examinee, replies.training)
        if exercise.by_order and not verdict.lost and not np.allclose(value, right, rtol=1e-3):
            verdict.note(exercise.end, sentences.OTHER_SCALE)

    def _answers(self, replies, value, changing) -> Conversation[list[tuple[Batch, np.ndarray]] | None]:
        """The answers that can be explained together; None if there are none, which is charged."""
        examinee, exercise, answers = self.examinee, self.exercise, [(replies.questions.values[0], value)]
        if changing is None:
            answers += self._others(replies, value)
            return None if self._is_constant(answers) else self._without_repeated(answers)
        if changing.kind != sentences.RANDOM.mistake:
            examinee.lose_form(changing)
        elif exercise.by_order:
            many = replies.questions.values[-1]
            mean = yield from mean_scores(examinee, many)
            for part in exercise.parts if mean is None else ():
                self.verdict.lose(part, changing)
            return None if mean is None else [(many, mean)]
        return answers  # right at the first call, perhaps

    def _charge(self, explanation, answers, replies, changing) -> Conversation[Explanation]:
        """Charge what the values tell. Returns the explanation, which may prove to be none.

        Args:
            changing: what is wrong where a second answer is another; None where it is the same.
        """
        examinee = self.examinee
        if isinstance(explanation, Unknown) and not changing:
            (later,) = yield from examinee.values(answers[0][0])
            value = answers[0][1]
            if later is None or later.size != value.size or not np.allclose(value.ravel(), later.ravel()):
                changing, explanation = sentences.LATER(), examinee.explain(answers[:1], depth=1)
        if isinstance(explanation, Unknown):
            is_ignoring = yield from self._locate(answers, changing is not None)
            if changing and not is_ignoring:
                examinee.lose_form(changing)
        elif changing:
            examinee.charge(explanation)
            examinee.lose_form(changing)
        else:
            yield from self._follow(explanation, answers, replies)
            if isinstance(explanation, Known):
                return (yield from self._charge_known(explanation))
        return explanation

    def _charge_known(self, explanation: Known) -> Conversation[Explanation]:
        """Charge known mistakes, unless it is that arguments are not used: a network that is cut off looks
        like many mistakes."""
        names = yield from ignored_arguments(self.examinee)
        charged = {part for way in explanation.mistakes for part in (way.part, *way.hides)}
        if len(names) < 2 or {self.exercise.uses[name] for name in names} <= charged:
            self.examinee.charge(explanation)
            return explanation
        yield from charge_ignored(self.examinee, names, explanation)
        return Unknown()

    def _others(self, replies: Round, value: np.ndarray) -> list[tuple[Batch, np.ndarray]]:
        """The other answers that can be explained with the first; what is odd about the rest is put down."""
        batch, *others = replies.questions.values
        pairs = zip(others, replies.others, strict=True)
        found = [(other, self._usable(other, answer, (batch, value))) for other, answer in pairs]
        return [(other, value) for other, value in found if value is not None]

    def _usable(self, batch: Batch, answer, first) -> np.ndarray | None:
        """The numbers of a further answer, if they are like those of the first; else that is put down."""
        value, (usual, like) = self.examinee.numbers(answer), first
        if value is not None and value.ndim == like.ndim:
            per_image = like.shape and like.shape[0] == len(usual.arrays["x"])
            if not per_image or len(value) == len(batch.arrays["x"]):
                return value
        exercise, is_size = self.exercise, len(batch.arrays["x"]) != len(usual.arrays["x"])
        part = exercise.form if is_size or not exercise.by_order else exercise.end
        if isinstance(answer, Died):
            self.examinee.lose_form(sentences.cause_of(answer))
        elif isinstance(answer, Raised) and part not in self.verdict.lost:
            sentence = sentences.STOPS_FOR_SIZE if is_size else sentences.STOPS_FOR_OTHERS
            why = sentences.cause_of(answer, batch.letters).sentence
            self.verdict.lose(part, sentence(size=batch.size, why=why))
        elif isinstance(answer, Raised):
            pass  # why has been said
        elif answer.value is not None and not np.isfinite(answer.value).all():
            self.verdict.lose(part, sentences.NOT_FINITE(exercise, when=" for some images"))
        else:
            self.examinee.lose_form(
                sentences.SHAPE_CHANGES(exercise, size=batch.size, shape=list(answer.shape))
            )
        return None

    def _is_constant(self, answers):
        """Whether it gives the same, whatever it is given; that is charged."""
        exercise, verdict, ((batch, value), *others) = self.exercise, self.verdict, answers
        if not exercise.by_order:
            numbers = np.concatenate([np.ravel(value) for _, value in answers])
            if not others or np.ptp(numbers):
                return False
            verdict.lose_all(sentences.CONSTANT(number=numbers[0]))
            return True
        again = [value for other, value in others if other.size == batch.size]
        is_same = again and all(np.array_equal(value, one) for one in again)
        if not is_same or follows(exercise, self.examinee.formula, Right(), batch, value):
            return False
        names = sentences.listed(exercise.arguments)
        cause = sentences.IGNORES(exercise, without=f"{names} have", all=names)
        if not np.ptp(value):  # that may be a threshold which nothing passes
            cause = sentences.ALL_THE_SAME()
        for part in exercise.parts:
            if part != exercise.form:
                verdict.lose(part, cause)
        return True

    def _without_repeated(self, answers):
        """The answers but for those that were given to an earlier question of the same size; they cost the
        form."""
        (batch, value), *others = answers
        alike = [
            other for other, again in others if other.size == batch.size and np.array_equal(value, again)
        ]
        if not alike or (value.size > 1 and not np.ptp(value)):
            return answers
        self.examinee.lose_form(sentences.STATE())
        return [(other, again) for other, again in answers if other not in alike]

    # ------------------------------------------------------------ explain

    def _explain(self, answers, depth) -> tuple[Explanation, list]:
        """What explains the answers, which are read in the right shape if need be."""
        explanation = self.examinee.explain(answers, depth)
        if isinstance(explanation, Unknown):
            return self._explain_reshaped(answers, depth)
        return explanation, answers

    def _explain_reshaped(self, answers, depth):
        read = self._added_up(answers)
        rights = [self.examinee.right(batch) for batch, _ in read]
        pairs = list(zip(read, rights, strict=True))
        if any(value.size != right.size for (_, value), right in pairs):
            return Unknown(), read
        if any(value.shape != right.shape for (_, value), right in pairs):
            (batch, value), right = pairs[0]
            self.examinee.lose_form(self._wrong_shape(batch, value, right))
            read = [(batch, value.reshape(right.shape)) for (batch, value), right in pairs]
        elif read is answers:
            return Unknown(), answers
        return self.examinee.explain(read, depth), read

    def _wrong_shape(self, batch, value, right):
        shapes = {"shape": list(value.shape), "right": list(right.shape)}
        return sentences.WRONG_SHAPE(self.exercise, size=batch.size, **shapes)

    def _added_up(self, answers):
        """Several scores for each image, added up, which costs the form; other answers as they are."""
        batch, value = answers[0]
        N = len(batch.arrays["x"])
        if not self.exercise.by_order or value.ndim < 2 or len(value) != N or value.size == N:
            return answers
        self.examinee.lose_form(sentences.SEVERAL_SCORES(shape=list(value.shape), N=N))
        return [(batch, value.reshape(len(value), -1).sum(1)) for batch, value in answers]

    def _follow(self, explanation: Right | Known, answers, replies: Round):
        """What explains the first answer has to explain all others, of other sizes too."""
        exercise, formula, batch = self.exercise, self.examinee.formula, answers[0][0]

        def is_followed(other, value):
            return follows(exercise, formula, explanation, other, value)

        wrong = [other for other, value in answers if not is_followed(other, value)]
        if exercise.form in self.verdict.lost and not wrong:
            return
        for other, answer in (yield from self._sizes(explanation, replies)):
            expected = expected_value(formula, explanation, other)
            if expected is None or not expected.size:  # the mistake that has been named leaves nothing
                continue
            value = self._usable(other, answer, answers[0])
            if value is not None and not is_followed(other, value):
                wrong.append(other)
        if any(other.size == batch.size for other in wrong):
            self.examinee.lose_form(sentences.NOT_FOR_ALL_ARGUMENTS(exercise))
        elif wrong:
            sizes = {"size": batch.size, "wrong": wrong[0].size}
            self.examinee.lose_form(sentences.NOT_FOR_ALL_SIZES(exercise, **sizes))

    def _sizes(self, explanation, replies):
        """Batches of other sizes with their answers: for a mistake all, since training won't try it."""
        if self.exercise.own in self.verdict.lost:
            return []
        sizes, answers = replies.questions.sizes, list(replies.sizes)
        if isinstance(explanation, Known) and len(sizes) > len(answers):
            answers += yield [self.examinee.question(batch) for batch in sizes[len(answers) :]]
        return list(zip(sizes, answers, strict=False))

    # ------------------------------------------------------------ locate

    def _locate(self, answers, is_random) -> Conversation[bool]:
        """Charge what no known mistake explains. Returns whether it is that arguments are not used."""
        examinee, exercise = self.examinee, self.exercise
        if exercise.by_order:
            yield from locate_scores(examinee, answers)
            return False
        batch, value = answers[0]
        right = examinee.right(batch)
        if value.size != right.size:
            self.verdict.lose_all(self._wrong_shape(batch, value, right))
            return False
        if is_random:
            return (yield from locate_random(examinee))
        if not (yield from self._charge_one_size(answers)):
            yield from locate(examinee)
        if self.verdict.needs_human:
            yield from settle_unknown(examinee)
        return False

    def _charge_one_size(self, answers):
        """Whether it is explained for batches of one size, as the notebook has them, and for no small one;
        that is charged."""
        examinee, exercise, batch = self.examinee, self.exercise, answers[0][0]
        found = yield from explained_size(examinee, at_least=2)
        if found is None:
            return False
        # If it is right for some small batch as well, it is not the size that matters.
        small = [(other, value) for other, value in answers if other.size == batch.size]
        if any(follows(exercise, examinee.formula, found.explanation, *one) for one in small):
            return False
        examinee.lose_form(sentences.ONLY_FOR_SIZE(size=found.size))
        examinee.charge(found.explanation)
        return True
