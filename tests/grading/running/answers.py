"""What a submission came to: Returned, Raised, Died or Missing. Checked where it arrives.

A submission can write to the grader's pipe as well as the code around it, so nothing in an answer is
believed: types, shapes and lengths are checked, and texts are cut and made printable.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from ..handed_in.printable import one_line
from .inside.call import MAX_BACK, MAX_ITEMS
from .question import Question


@dataclass(frozen=True)
class Returned:
    """What a function returned.

    Attributes:
        kind: "tensor", "array", "number", "list" (of numbers), or the name of another type.
        shape: of tensors, arrays and lists; else ().
        dtype: as in "torch.float32", or "".
        value: the numbers, float64; None if it isn't a moderate number of real ones.
        requires_grad: whether it can be differentiated.
        gradients: of its sum by each argument but the first, in their shapes; () where none were asked for or
            there are none.
        after: the arguments as they were after the call; () where that was not asked for, or they are large.
        gradient_error: what differentiating it raised.
        graded_inside: whether the function itself wrote to its arguments' `.grad`.
        changed_settings: what it has changed beside its arguments, in words.
        idle: whether the function does not look at its arguments at all.
        items: the things in a tuple or list, up to 8; `length` says how many there are.
        traced: what torch computed on the way, in its order, if that was asked for; not all if it is much.
    """

    kind: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    value: np.ndarray | None = None
    requires_grad: bool = False
    gradients: tuple[np.ndarray, ...] = ()
    after: tuple[np.ndarray, ...] = ()
    gradient_error: "Raised | None" = None
    graded_inside: bool = False
    changed_settings: tuple[str, ...] = ()
    idle: bool = False
    items: "tuple[Returned, ...]" = ()
    length: int = 0
    traced: tuple[np.ndarray, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Raised:
    """An exception.

    Attributes:
        kind: its type.
        message: what it says.
        line, code: where in the author's own file it comes from; None and "" if from nowhere there.
        module: the module that is not there, if that is why.
        parameters: the names of the function's positional parameters, if it came from a call.
        traced: what torch had computed before, as for `Returned`.
    """

    kind: str = "Exception"
    message: str = ""
    line: int | None = None
    code: str = ""
    module: str = ""
    parameters: tuple[str, ...] = ()
    traced: tuple[np.ndarray, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Died:
    """The process ended. `cause` is "time", "memory", "disk" or "crash", or "machine" where a process of the
    grader's ended, too; `seconds` is how long it had."""

    cause: str
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Missing:
    """There is no function of this name, but maybe one that is called almost so (`alike`), or one that is
    written where it can't be called (`is_hidden`)."""

    name: str
    alike: str = ""
    is_hidden: bool = False


Answer = Returned | Raised | Died | Missing


def split(reports: list[dict], numbers: list[np.ndarray], count: int) -> list[tuple[dict, list[np.ndarray]]]:
    """What one message says of so many calls, each with its own numbers.

    Raises:
        ValueError, TypeError, KeyError: it is none that inside/submission.py sends.
    """
    if not isinstance(reports, list) or len(reports) != count:
        raise TypeError("other answers")
    found, rest = [], list(numbers)
    for report in reports:
        own = _whole(report["count"])
        found.append((report, rest[:own]))
        rest = rest[own:]
    return found


def parse_answer(report: dict, numbers: list[np.ndarray], question: Question) -> Returned | Raised:
    """The answer in what inside/call.py says of one call.

    Raises:
        ValueError, TypeError, KeyError: it is none that inside/call.py sends.
    """
    is_traced = question.trace or question.stand_in is not None
    count = _whole(report["traced"]) if is_traced else 0
    rest, traced = numbers[: len(numbers) - count], numbers[len(numbers) - count :]
    traced = tuple(array.astype(np.float64) for array in traced)
    if "error" in report:
        return replace(parse_error(report["error"]), traced=traced)
    returned = _described(report, rest)
    items = report.get("items", [])
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise TypeError("no items")
    items = tuple(_described(item, rest) for item in items)
    arguments = question.arrays
    count = len(arguments) if question.echo and sum(array.size for array in arguments) <= MAX_BACK else 0
    after, rest = tuple(rest[:count]), rest[count:]
    if [array.shape for array in after] != [array.shape for array in arguments[:count]]:
        raise ValueError("the arguments have not come back")
    fits = [array.shape for array in rest] == [array.shape for array in arguments[1:]]
    error = report.get("gradient_error")
    return Returned(
        **returned,
        gradients=tuple(array.astype(np.float64) for array in rest) if fits else (),
        after=after,
        gradient_error=None if error is None else parse_error(error),
        graded_inside=report.get("graded_inside") is True,
        changed_settings=_names(report.get("changed_settings")),
        idle=report.get("idle") is True,
        items=tuple(Returned(**item) for item in items),
        length=_whole(report.get("length", 0)),
        traced=traced,
    )


def _described(report, numbers):
    shape = report.get("shape", [])
    if not isinstance(shape, list) or len(shape) > 20:
        raise TypeError("no shape")
    shape = tuple(_whole(n) for n in shape)
    value = numbers.pop(0) if report.get("numbers") is True else None
    if value is not None and value.shape != shape:
        raise ValueError("the shape is another")
    return {
        "kind": one_line(report["kind"]),
        "shape": shape,
        "dtype": one_line(report.get("dtype", "")),
        "value": None if value is None else value.astype(np.float64),
        "requires_grad": report.get("requires_grad") is True,
    }


def _whole(number):
    if type(number) is not int or not 0 <= number < 1 << 60:
        raise TypeError("no whole number")
    return number


def parse_error(error: dict) -> Raised:
    """An exception as inside/call.py describes it; what it doesn't say properly is left out."""
    if not isinstance(error, dict):
        raise TypeError("no error")
    line = error.get("line")
    return Raised(
        kind=_text(error, "type") or "Exception",
        message=_text(error, "message"),
        line=line if type(line) is int and 0 < line < 1 << 31 else None,
        code=_text(error, "code"),
        module=_text(error, "module"),
        parameters=_names(error.get("parameters")),
    )


def _names(found):
    is_list = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return tuple(one_line(name) for name in found[:20]) if is_list else ()


def _text(error, key):
    text = error.get(key, "")
    return one_line(text) if isinstance(text, str) else ""
