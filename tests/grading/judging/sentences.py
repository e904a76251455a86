"""What the judging says to authors; the known mistakes and slips have their sentences in sheet/."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..running.answers import Answer, Died, Missing, Raised, Returned
from ..running.undecided import is_undecided, may_be_newer
from ..sheet.rubric import Exercise
from ..sheet.slips import slip
from .result import NOTHING_WRITTEN, Cause

VERSION = "{}.{}".format(*sys.version_info)


@dataclass(frozen=True)
class Sentence:
    """`text` has the exercise as {e}, and other values by their names; see `Cause` for the others."""

    mistake: str
    text: str
    needs_human: bool = False

    def __call__(self, exercise: Exercise | None = None, **values) -> Cause:
        return Cause(self.mistake, self.text.format(e=exercise, **values), self.needs_human)


# Rows are easier to read than what a formatter makes of them.
# fmt: off

# What a function returns.
NOT_IMPLEMENTED = Sentence(NOTHING_WRITTEN, "Not implemented yet.")
PLACEHOLDER = Sentence(NOTHING_WRITTEN,
    "Not implemented yet. (Your function returns the same whatever it is given.)")
NOTHING = Sentence("returns nothing", "Your function returns nothing. Is a `return` missing?")
CONSTANT = Sentence("constant",
    "Your function gives {number:g}, whatever it is given. Is it still a placeholder?")
WRONG_TYPE = Sentence("wrong type", "Your function returns {what}, not {wanted}.")
NOT_FINITE = Sentence("not finite", "Your {e.result} {e.are} not finite (nan or inf){when}.")
SEVERAL_THINGS = Sentence("returns more than one thing",
    "Your function returns {what}. Return the {e.result} alone{end}.")
LIST_OF_TENSORS = Sentence("a list of tensors",
    "Your function returns {what}. It should return one tensor.")
A_LIST = Sentence("not a tensor",
    "Your function returns a list. It should return a tensor: the {e.result} alone.")
A_NUMBER = Sentence("not a tensor",
    "Your {e.result} is a plain number and no tensor, so `backward()` can't differentiate it. Stay in torch: "
    "no `.item()`, `float()` or NumPy.")
NO_TENSOR = Sentence("not a tensor", "Your function returns {what}. It should return a torch tensor.")
WRONG_SHAPE = Sentence("wrong shape",
    "Your {e.result} {e.have} shape {shape}. For {size} it should be {right}.")
SEVERAL_SCORES = Sentence("wrong shape",
    "Your scores have shape {shape}. There should be one for each image, [{N}].")

# Sizes, arguments, and what is kept between calls.
_SIZES = "Take the sizes from the arguments."
SHAPE_CHANGES = Sentence("size", f"For {{size}} your {{e.result}} {{e.have}} shape {{shape}}. {_SIZES}")
STOPS_FOR_OTHERS = Sentence("size", "It works for some images, but not for others: {why}")
STOPS_FOR_SIZE = Sentence("size", "It works for some sizes, but not for {size}: {why}")
NOT_FOR_SIZE = Sentence("size", "It works for some sizes, but not for {size}.")
ONLY_FOR_SIZE = Sentence("size", f"Your function is only right for {{size}}. {_SIZES}")
NOT_FOR_ALL_SIZES = Sentence("size",
    f"Your {{e.result}} {{e.are}} right for {{size}}, but not for {{wrong}}. {_SIZES}")
NOT_FOR_ALL_ARGUMENTS = Sentence("state",
    "Your {e.result} {e.are} right for some arguments, and wrong for others of the same size. Is anything "
    "kept between calls, or cut off?")
_IN_TRAINING = "Take the sizes from the arguments, and keep nothing between calls."
WRONG_IN_TRAINING = Sentence("size",
    f"In training, with {{size}}, your {{e.result}} {{e.are}} not right. {_IN_TRAINING}")
WRONG_LATER = Sentence("state",
    f"In training, with {{size}}, your {{e.result}} {{e.are}} not right after a few calls. {_IN_TRAINING}")
STATE = Sentence("state",
    "Your function gives the same answer for other arguments of the same size. Keep nothing between calls.")
RANDOM = Sentence("random",
    "Asked twice with the same arguments, your function gives two answers. Everything it needs is given: no "
    "`nn.Linear`, no random numbers, no dropout, and nothing kept from one call to the next.")
GROWS = Sentence("state",
    "Asked twice with the same arguments, your function returns something of shape {first} and then of shape "
    "{again}. Keep nothing between calls.")
LATER = Sentence("state",
    "Asked once more with the same arguments, after others, your function gives another answer. Keep nothing "
    "between calls.")
ORDER = Sentence("order of parameters",
    "The parameters of your function stand in the order {stand}. The sheet's order is {names}.")
CHANGES_SETTINGS = Sentence("changes settings", "Your function changes {names} for all that follows.")
CHANGES_ARGUMENTS = Sentence("changes arguments",
    "Your function changes its argument {names}. Work on a copy.")

# Gradients.
DETACHED = Sentence("detached",
    "Your loss can't be differentiated: it is cut off from the parameters (by `detach`, `no_grad`, `.data`, "
    "or by making a new tensor).")
OWN_BACKWARD = Sentence("own backward",
    "Your function calls `backward()` itself, so the gradients add up. The notebook does that, once, with "
    "what you return.")
STOPS_IN_TRAINING = Sentence("not differentiable", "{why} So it can't be differentiated.")
BACKWARD_STOPS = Sentence("not differentiable", "{why}{place}.")
WRONG_GRADIENT = Sentence("wrong gradient",
    "`backward()` gives a gradient for {names} that is not the slope of the loss. Is a part of the "
    "computation cut off, or rounded?")

# Unknown mistakes, and where they sit.
_UNKNOWN = (
    "The values are not those of the sheet's formula, and no mistake known to the grader explains them.")
UNKNOWN = Sentence("unknown", _UNKNOWN, needs_human=True)
BETWEEN = Sentence("unknown", f"{_UNKNOWN}{{where}}")
SEEN_UP_TO = " It is right up to {step}."
RIGHT_ALONE = Sentence("unknown",
    f"{_UNKNOWN} For a single image your {{e.result}} {{e.are}} right: the difference lies in how the "
    "images of a batch go together.")
RIGHT_WHERE_SIMPLE = Sentence("unknown",
    f"{_UNKNOWN} {{given}} your {{e.result}} {{e.are}} right{{but}}: {{rest}}.{{curve}}")
CURVE = " Where the sheet's unit gives {right:g}, for the input {t:g}, yours gives {got:.3g}."
BUT = " but for what is said here"  # where there is a known mistake, too
WRONG_AT_THE_END = Sentence("unknown",
    f"{_UNKNOWN} Even {{given}} your {{e.result}} {{e.are}} not right: the difference lies behind the hidden "
    "layer.")
NOT_THE_MEAN = Sentence("unknown",
    f"{_UNKNOWN} Nor is it the mean of what your function gives for each image alone.", needs_human=True)
NOT_BY_RECONSTRUCTION = Sentence("unknown",
    f"{_UNKNOWN} It depends on V, W and b not only by x̂, but does so with {{given}}.")
MOVED_PIXELS = Sentence("pixels: unknown", "Your images hold the right pixels, but not in their places.")
PENALTY = Sentence("penalty",
    "Your loss adds something to the error, such as a penalty on the weights. The sheet's loss is the "
    "reconstruction error alone.")
IGNORES = Sentence("ignores parameters",
    "{without} no effect on your {e.result}. The sheet's formula uses all of {all}.")
RETURNS_INPUT = Sentence("ignores parameters", "Your function returns its input, not the reconstruction.")

# Scores.
DEPENDS_ON_BATCH = Sentence("depends on the batch",
    "Your scores are {made}, so an image's score depends on what else is in the batch.")
BY_OTHERS = "changed by the other images of the batch, or by earlier calls"
ALL_THE_SAME = Sentence("constant", "All images get the same score, so none is stranger than another.")
THRESHOLD = Sentence("threshold",
    "Your function gives verdicts, not scores: many images get the same value, as after a comparison with a "
    "threshold. Return the error itself.")
TIES = Sentence("saturates",
    "Your scores have ties where the errors differ, as after rounding, a sigmoid, a tanh or a clamp. Return "
    "the error itself.")
NOT_ALONE = Sentence("not the error alone",
    "Images with the same squared error get different scores, or images with different errors the same. The "
    "score is the sum of the squared differences over all pixels, as they are.")
ANOTHER_ORDER = Sentence("unknown",
    "Your scores do not order the images by their squared error, and no mistake known to the grader explains "
    "them.")
NOT_BY_ERROR = Sentence("unknown", "Your scores are hardly larger for images with a larger squared error.")
OTHER_SCALE = (
    "Your scores order the images as the squared error does, which is all that counts here. They are other "
    "numbers, so the figures that follow won't be those that the text quotes.")

# How far it was right, where there is no answer, and why there is none.
RIGHT_UP_TO = "It is right up to {step}. Then: {why}"
GETS_TO = "It gets as far as {step}. Then: {why}"  # with a mistake that is said beside
APART_FROM = "{why} Apart from that, it is right up to {step}."
RIGHT_FROM = " What comes after {after} is right."
ALL_ELSE = "{why} Apart from that, your function is right."
RETURNS_A_STEP = "Your function returns {step}. What comes after it is still to come."
COMPUTED = "You compute {step}, and do not return {it}."
MISSING = Sentence("missing", "There is no function named `{name}`.")
HIDDEN = Sentence("missing",
    "Your file has a function `{name}`, but not where it can be called: it stands below `if __name__`, say.")
ALIKE = Sentence("missing", "There is no function named `{name}`. Is it `{alike}` that is meant?")
LEFT_OUT = "{why} Only what the three functions need was run."
DEATHS = {
    "memory": "Your {of} takes too much memory, all its processes together.",
    "disk": "Your {of} fills the disk.",
    "crash": "Your {of} ended its process: by leaving it, closing its files, a crash, or too much memory.",
    "machine": "Your {of} ended together with a process of the grader's: maybe the memory was full.",
    "time": "Your {of} did not answer within {seconds:g} seconds. Is there an endless loop?",
}
NO_SOLUTION = Sentence("no solution.py",
    "Your code imports `solution`, but there is no solution.py beside it. Hand in both.")
NO_MODULE = Sentence("import",
    "Your code imports {name}, which is not there when it is graded. One file is graded, and torch is all it "
    "needs.")
SYNTAX = Sentence("syntax", f"Your file is not valid Python {VERSION}: {{message}}{{place}}.")
NEWER = Sentence("syntax",
    f"Your file is not valid Python {VERSION}, with which it is graded: {{message}}{{place}}. In a newer "
    "Python it may be.")
SIGNATURE = Sentence("wrong signature",
    "Your function does not take the arguments of the sheet: {message}.")
OUT_OF_MEMORY = Sentence("memory", "Your {of} asks for too much memory{place}.")
GRADER_ERROR = Sentence("grader error",
    "The grader can make no sense of the answer ({kind}). Tell your teachers if it is honest.",
    needs_human=True)

# fmt: on

_SLIPS = ("RuntimeError", "TypeError", "AttributeError", "RecursionError")
_ARGUMENTS = r"positional argument|unexpected keyword|takes no arguments"


def cause_of(answer: Answer, letters: dict[int, str] | None = None, of: str = "function") -> Cause:
    """Why there is no value.

    Args:
        letters: what sizes are called on the sheet, {7: "N"}.
        of: what was run, the author's "function" or "file".
    """
    return replace(_cause_of(answer, letters or {}, of), needs_human=is_undecided(answer))


def _cause_of(answer, letters, of):
    if isinstance(answer, Missing):
        sentence = HIDDEN if answer.is_hidden else ALIKE if answer.alike else MISSING
        return sentence(name=answer.name, alike=answer.alike)
    if isinstance(answer, Died):
        text = DEATHS[answer.cause].format(of=of, seconds=answer.seconds or 0)
        return Cause(answer.cause, text)
    kind, message, where = answer.kind, answer.message, place(answer)
    if is_stub(answer):
        return NOT_IMPLEMENTED()
    if kind == "ModuleNotFoundError" and answer.module:
        return NO_SOLUTION() if answer.module == "solution" else NO_MODULE(name=answer.module)
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return (NEWER if may_be_newer(answer) else SYNTAX)(message=message, place=where)
    if kind == "NameError":
        return Cause(kind, f"Your {of} uses a name that is not defined: {message}{where}.")
    is_about_arguments = kind == "TypeError" and re.search(_ARGUMENTS, message)
    if is_about_arguments and answer.code:
        text = f"Your code calls a function with other arguments than it takes: {message}{where}."
        return Cause(kind, text)
    if kind in _SLIPS and (found := slip(message, answer.code, letters)):
        return Cause(kind, f"{found}{where}.")
    if is_about_arguments:
        return SIGNATURE(message=message)
    if kind == "MemoryError" or "allocate memory" in message:
        return OUT_OF_MEMORY(of=of, place=where)
    text = f"{kind}: {message}".rstrip(": .")
    return Cause(kind, f"Your {of} stops with {text}{where}.")


def left_out(answer: Raised | Died) -> str:
    """What is said where a file stops so, and its functions don't need that."""
    return LEFT_OUT.format(why=cause_of(answer, of="file").sentence)


def is_stub(answer: Answer) -> bool:
    """Whether it is the line `raise NotImplementedError` of the author's file that was reached."""
    kind = "NotImplementedError"
    return isinstance(answer, Raised) and answer.kind == kind and kind in answer.code


def place(error: Raised) -> str:
    """The author's own line, in brackets, or ""."""
    if not error.code:
        return ""
    return f" (line {error.line}: `{error.code}`)" if error.line else f" (`{error.code}`)"


def listed(names: Sequence[str]) -> str:
    """As in "V, W and b"."""
    return " and ".join(", ".join(names).rsplit(", ", 1))


def what(answer: Returned) -> str:
    """The returned object, in words."""
    if answer.kind == "tensor":
        return f"a tensor of shape {list(answer.shape)}, {answer.dtype}"
    if answer.kind == "array":
        return f"a NumPy array of shape {list(answer.shape)}, {answer.dtype}"
    if answer.items or answer.kind in ("tuple", "list"):
        count = answer.length or (answer.shape[0] if answer.shape else 0)
        return f"a {answer.kind} of {count} thing{'s' * (count != 1)}"
    return "a single number" if answer.kind == "number" else f"an object of type {answer.kind}"
