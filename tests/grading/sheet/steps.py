"""Formulas as chains of steps, each with its right way and the known mistakes; and the search through them.

A formula is a function `formula(at, *arguments)` that computes each step by `at[step]`. With `at` the
right ways it is the sheet's; with a mistake or two it is what a submission may have computed.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

Formula = Callable[..., np.ndarray]


@dataclass(frozen=True, eq=False)
class Way:
    """One way to do a step: the right one, or a known mistake.

    Attributes:
        name: "step: mistake", for counting, the step as its variable is called; "" for the right way.
        compute: the step in NumPy.
        torch: the same as a student writes it.
        sentence: what the mistake is, for its author.
        part: what it costs, as in "hidden".
        hides: the parts that nobody can see behind it: they earn nothing, either.
        fitted: where `compute` takes an unknown number `c` that scales its result: c from the scale.
        guessed: whether its number has been found.
        rounds: whether it rounds, so that float32 and float64 can differ in a few numbers.
    """

    step: "Step"
    name: str
    compute: Callable
    torch: str
    sentence: str = ""
    part: str = ""
    hides: tuple[str, ...] = ()
    fitted: Callable[[float], float] | None = None
    rounds: bool = False
    guessed: bool = False

    def with_number(self, c: float) -> "Way":
        """The mistake with its unknown number."""
        sentence = self.sentence.format(c=float(f"{c:.4g}"))
        return replace(
            self, compute=functools.partial(self.compute, c=c), sentence=sentence, fitted=None, guessed=True
        )


class Step:
    """A step of a formula. Its mistakes are declared by `mistake`, one call for each.

    Args:
        part: the part of the rubric that its mistakes cost.
        arguments: the names of what the step takes, as its ways in torch use them.
        right, torch: the right way, in NumPy and as a student writes it.
    """

    def __init__(self, name: str, part: str, arguments: str, right: Callable, torch: str):
        self.name, self.arguments, self._part = name, arguments, part
        self.right = Way(self, "", right, torch)
        self.mistakes: list[Way] = []

    def __repr__(self):
        return self.name

    def mistake(self, name, compute, torch, sentence, part=None, **more) -> Way:
        """Declare a known mistake; see `Way` for the arguments. It costs the step's part, or another."""
        way = Way(self, f"{self.name}: {name}", compute, torch, sentence, part or self._part, **more)
        self.mistakes.append(way)
        return way

    def many(self, sentence: str, rows: Iterable[tuple], **more) -> None:
        """Declare several mistakes, each by a row (name, compute, torch, words) or with a part at the end.

        The words stand in the place of `{}` in the sentence.
        """
        for name, compute, torch, words, *part in rows:
            self.mistake(name, compute, torch, sentence.format(words), *part, **more)


class At:
    """`at[step]`: the way in which a step is done."""

    def __init__(self, ways: Iterable[Way] = ()):
        self._ways = {way.step: way for way in ways}
        self.used: dict[Step, None] = {}

    def __getitem__(self, step: Step) -> Callable:
        self.used[step] = None
        way = self._ways.get(step, step.right)
        return functools.partial(way.compute, c=1.0) if way.fitted else way.compute


def evaluate(formula: Formula, ways: Iterable[Way], arguments: list[np.ndarray]) -> np.ndarray | None:
    """What the formula gives with these mistakes; None if it gives no finite numbers."""
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(formula(At(ways), *arguments), dtype=np.float64)
    except (ValueError, IndexError, TypeError):  # shapes that don't fit each other
        return None
    return value if np.isfinite(value).all() else None


def steps_of(formula: Formula, arguments: list[np.ndarray]) -> list[Step]:
    at = At()
    formula(at, *arguments)
    return list(at.used)


def combinations(steps: list[Step], k: int) -> list[tuple[Way, ...]]:
    """All sets of k mistakes, at most one for each step and one with an unknown number."""
    chosen = (
        ways
        for some in itertools.combinations(steps, k)
        for ways in itertools.product(*(step.mistakes for step in some))
    )
    return [ways for ways in chosen if sum(way.fitted is not None for way in ways) <= 1]


class Search:
    """Finds the mistakes that explain an answer to one question, the fewest first.

    Args:
        arguments: those of the question, float64.
        same: same(candidate, answer, ways), whether they agree.
    """

    def __init__(self, formula: Formula, arguments: list[np.ndarray], same: Callable):
        self._formula, self._arguments, self._same = formula, arguments, same
        self._tables: dict[int, dict[tuple, _Table]] = {}

    def explanations(self, answer: np.ndarray, depth: int) -> Iterator[tuple[Way, ...]]:
        """All sets of at most `depth` mistakes that give this answer, small ones first."""
        for k in range(depth + 1):
            table = self._table(k).get(answer.shape)
            for ways in table.like(answer) if table else ():
                value = evaluate(self._formula, ways, self._arguments)
                if value is not None and self._same(value, answer, ways):
                    yield ways

    def _table(self, k):
        if k not in self._tables:
            tables = {}
            for ways in combinations(steps_of(self._formula, self._arguments), k):
                value = evaluate(self._formula, ways, self._arguments)
                if value is not None:
                    tables.setdefault(value.shape, _Table(self._same)).add(ways, value)
            self._tables[k] = tables
        return self._tables[k]


class _Table:
    """Sets of mistakes, with a few of the numbers that each gives: enough to rule most of them out."""

    def __init__(self, same):
        self._same, self._ways, self._samples = same, [], []

    def add(self, ways, value):
        self._ways.append(ways)
        self._samples.append(_sample(value))

    def like(self, answer):
        """The sets that may give this answer, those with an unknown number last."""
        sample, fitted = _sample(answer), []
        samples = self._samples = np.asarray(self._samples)
        scales = samples @ sample / np.maximum((samples * samples).sum(1), 1e-300)
        for i, ways in enumerate(self._ways):
            if any(way.fitted for way in ways):
                is_one = abs(scales[i] - 1) < 2e-3  # then it is no mistake at all
                if scales[i] and not is_one and self._same(scales[i] * samples[i], sample):
                    fitted.append(tuple(w.with_number(w.fitted(scales[i])) if w.fitted else w for w in ways))
            elif self._same(samples[i], sample, ways):
                yield ways
        yield from fitted


def _sample(value):
    flat = value.ravel()
    return flat if flat.size <= 64 else flat[:: flat.size // 64]
