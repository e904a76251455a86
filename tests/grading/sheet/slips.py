"""What exceptions mean on this sheet, where their own text does not help a student. A table."""

import re
from collections.abc import Mapping

_ALL = "Use `torch.relu` or `clamp`"
_NUMPY = "NumPy can't be differentiated. Use the functions of torch"  # torch's own text advises to detach

# Rows are easier to read than what a formatter makes of them.
# fmt: off

# Patterns of the message and of the line of code, and what to say, without its end. The groups of the message
# stand in for {0}, {1}.
SLIPS = (
    (r"^module 'solution' has no attribute '(\w+)'$", "", "solution.py has no `{0}`"),
    ("multiplied", r"\b[VW](\.T|\.mT|\.t\(\))\s*@",
     "Here images are the rows of x, so it is `x @ V` and `z @ W`, and nothing is transposed"),
    ("Boolean value of Tensor", r"(?<!\.)\bmax\(", f"Python's own `max` compares two whole tensors. {_ALL}"),
    ("Boolean value of Tensor", "",
     f"A tensor with many entries is neither true nor false, so no `if` or `max` can ask it. {_ALL}"),
    (r"max(imum)?\(\)", r"\b(torch\.)?(max|maximum)\(",
     f"`torch.max` can't compare a tensor with a number. {_ALL}"),
    (r"numpy\(\)", "", _NUMPY),
    (r"^(?!.*has no attribute)", r"\b(np|numpy)\.", _NUMPY),
    ("(?s)input.*between 0 and 1|between 0 and 1.*input", "",
     "A cross-entropy takes numbers in [0, 1] only. The sheet uses squared differences"),
    ("backward through the graph a second time", "",
     "Your function calls `backward()` itself. The notebook does that, once, with what you return"),
    ("maximum recursion depth", "",
     "A function calls itself again and again: perhaps two of yours have the same name"),
    ("size of tensor a", r"\w\)?\s*\*\s*[VW]\b|\b[VW]\s*\*\s*\w|\b(mul|multiply)\(",
     "`*` multiplies entry by entry. The product of two matrices is `@`, as in `x @ V` and `z @ W`"),
)

# fmt: on

# What the sheet's matrices are, by their shapes in its letters, and what stands right of them in a product.
_MATRICES = {("N", "784"): "x", ("784", "h"): "V", ("h", "784"): "W", ("N", "h"): "the hidden layer"}
_SWAPPED = {("x", "W"), ("the hidden layer", "V")}


def slip(message: str, code: str, letters: Mapping[int, str]) -> str | None:
    """A sentence without its end for an exception, or None.

    Args:
        letters: what sizes are called on the sheet, {7: "N"}.
    """
    for in_message, in_code, sentence in SLIPS:
        found = re.search(in_message, message)
        if found and re.search(in_code, code):
            return sentence.format(*found.groups())
    return _misfit(message, letters)


def _misfit(message, letters):
    """Two shapes that don't fit, in the sheet's letters."""
    found = re.search(r"\(?(\d+)x(\d+) and (\d+)x(\d+)\)?", message)
    if found and "multiplied" in message:
        sizes = [letters.get(int(size), size) for size in found.groups()]
        one, other = tuple(sizes[:2]), tuple(sizes[2:])
        text = f"You multiply {_named(one)} by {_named(other)}, which does not fit: the inner sizes differ"
        is_swapped = (_MATRICES.get(one), _MATRICES.get(other)) in _SWAPPED
        return f"{text}; V and W may have changed places, or one is transposed" if is_swapped else text
    found = re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", message)
    if not found or not letters:
        return None
    one, other = (letters.get(int(size), size) for size in found.groups())
    text = f"You combine arrays with {one} and with {other} entries along one axis, which does not fit"
    biases = ": b has h entries and a has 784, and the sheet's order is x, V, W, b, a"
    return text + biases if {one, other} == {"h", "784"} else text


def _named(shape):
    text = f"[{', '.join(shape)}]"
    if shape in _MATRICES:
        return f"{_MATRICES[shape]} {text}"
    turned = _MATRICES.get(shape[::-1], "the")
    return text if turned.startswith("the") else f"{turned}.T {text}"
