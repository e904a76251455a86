"""Sentences for exceptions and deaths: why there is no value to look at."""

import re

from ..running.answers import Died, Missing, Raised, Returned

NOT_IMPLEMENTED = "Not implemented yet.", "not implemented"
NOTHING = "Your function returns nothing. Is a `return` missing?", "returns nothing"

_DEATHS = {
    "memory": "Your function takes too much memory, all its processes together.",
    "disk": "Your function fills the disk.",
    "crash": (
        "Your function ended its process: by leaving it, closing its files, a crash, or too much memory."
    ),
}

# What the sheet's matrices are, by their shapes in its letters.
_MATRICES = {("N", "784"): "x", ("784", "h"): "V", ("h", "784"): "W", ("N", "h"): "the hidden layer"}


def trouble(answer: Raised | Died | Missing, letters=None) -> tuple[str, str]:
    """Why there is no value: (a sentence for the author, a short name).

    Args:
        letters: what sizes are called on the sheet, {7: "N"}.
    """
    if isinstance(answer, Missing):
        return f"There is no function named `{answer.name}`.", "missing"
    if isinstance(answer, Died):
        if answer.cause == "time":
            return (
                f"Your function did not answer within {answer.seconds:g} seconds. Is there an endless loop?",
                "time",
            )
        return _DEATHS[answer.cause], answer.cause
    kind, message, where = answer.kind, answer.message, place(answer)
    if kind == "NotImplementedError" and answer.code and kind in answer.code:
        return NOT_IMPLEMENTED
    if kind == "ModuleNotFoundError" and answer.module == "solution":
        return (
            "Your notebook calls `solution`, but there is no solution.py beside it. Hand in both.",
            "no solution.py",
        )
    if kind == "ModuleNotFoundError":
        return (
            f"Your code imports {answer.module}, which is not there when it is graded. "
            "One file is graded, and torch is all it needs.",
            "import",
        )
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return f"Your file is not valid Python: {message}{where}.", "syntax"
    if kind == "NameError":
        return f"Your function uses a name that is not defined: {message}{where}.", kind
    slip = _slip(answer, letters or {})
    if slip:
        return f"{slip}{where}.", kind
    if kind == "TypeError" and _is_about_arguments(message):
        return f"Your function does not take the arguments of the sheet: {message}.", "wrong signature"
    if kind == "MemoryError" or "allocate memory" in message:
        return f"Your function asks for too much memory{where}.", "memory"
    text = f"{kind}: {message}".rstrip(": .")
    return f"Your function stops with {text}{where}.", kind


def place(error: Raised) -> str:
    """The author's own line, in brackets, or ""."""
    if not error.code:
        return ""
    return f" (line {error.line}: `{error.code}`)" if error.line else f" (`{error.code}`)"


def _is_about_arguments(message):
    return re.search(r"positional argument|unexpected keyword|takes no arguments", message)


def _slip(error, letters):
    """A sentence, without its end, for an exception whose text would not help; or None."""
    kind, message, code = error.kind, error.message, error.code
    missing = re.fullmatch(r"module 'solution' has no attribute '(\w+)'", message)
    if missing:
        return f"solution.py has no `{missing[1]}`"
    if kind == "TypeError" and code and _is_about_arguments(message):
        return f"Your code calls a function with other arguments than it takes: {message}"
    if "multiplied" in message and re.search(r"\b[VW](\.T|\.mT|\.t\(\))\s*@", code):
        return "Here images are the rows of x, so it is `x @ V` and `z @ W`, and nothing is transposed"
    if re.search(r"\b(torch\.)?(max|maximum)\(", code) and re.search(r"max(imum)?\(\)", message):
        return "`torch.max` can't compare a tensor with a number. Use `torch.relu` or `clamp`"
    if kind in ("RuntimeError", "TypeError") and ("numpy()" in message or "np." in code):
        return f"NumPy can't be differentiated. Use the functions of torch ({message.rstrip('.')})"
    if "between 0 and 1" in message and "input" in message:
        return "A cross-entropy takes numbers in [0, 1] only. The sheet uses squared differences"
    if "backward through the graph a second time" in message:
        return "Your function calls `backward()` itself. The notebook does that, once, with what you return"
    return _misfit(message, letters)


def _misfit(message, letters):
    """Two shapes that don't fit, in the sheet's letters."""
    found = re.search(r"\(?(\d+)x(\d+) and (\d+)x(\d+)\)?", message)
    if found and "multiplied" in message:
        sizes = [letters.get(int(size), size) for size in found.groups()]
        one, other = (_named(tuple(sizes[i : i + 2])) for i in (0, 2))
        return f"You multiply {one} by {other}, which does not fit: the inner sizes differ"
    found = re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", message)
    if found and letters:
        one, other = (letters.get(int(size), size) for size in found.groups())
        text = f"You combine arrays with {one} and with {other} entries along one axis, which does not fit"
        biases = {"h": "b has h entries", "784": "a has 784"}
        if {one, other} == {"h", "784"}:
            return f"{text} ({', '.join(biases.values())})"
        return text
    return None


def _named(shape):
    text = f"[{', '.join(shape)}]"
    for name, sizes in ((_MATRICES.get(shape), ""), (_MATRICES.get(shape[::-1]), ".T")):
        if name and not (sizes and name.startswith("the")):
            return f"{name}{sizes} {text}"
    return text


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
