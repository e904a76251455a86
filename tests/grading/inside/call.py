"""Calls a function, and describes what it did as plain data."""

import contextlib
import linecache
import os
import sys

import numpy as np

MAX_NUMBERS = 200_000  # the largest right answer has 784 * 64

# What is used after the stranger's code has run, as it was before.
_ndarray, _isinstance = np.ndarray, isinstance
torch = _Tensor = _from_numpy = None


def import_torch():
    """To be called first by a process that calls functions. The grader's own process has no need of torch."""
    global torch, _Tensor, _from_numpy
    import torch

    _Tensor, _from_numpy = torch.Tensor, torch.from_numpy


def call(function, arrays, gradient, own_file=None):
    """Call `function` with `arrays` as tensors. Returns (report, numbers).

    Args:
        arrays: float32 arrays, passed by position as fresh tensors.
        gradient: differentiate the sum of the result by all arguments but the first.
        own_file: the author's file, for the line where an exception comes from.

    Returns:
        report: JSON-able. Either "error", or "kind" (tensor, array, number, list, ...), "dtype",
            "shape", "requires_grad", and "changed", the positions of arguments that were written to.
        numbers: float64 arrays: the result, and with `gradient` one gradient for each argument but
            the first. Empty where the result is not a moderate number of real numbers.
    """
    given = [array.copy() for array in arrays]
    tensors = [_from_numpy(array) for array in given]
    if gradient:
        for tensor in tensors[1:]:
            tensor.requires_grad_()
    try:
        result = function(*tensors)
        report, numbers = _describe(result)
        if gradient and numbers and report.get("requires_grad"):
            gradients = torch.autograd.grad(result.sum(), tensors[1:], allow_unused=True)
            # None, no path to this argument, means zero.
            numbers += [
                np.zeros(array.shape) if g is None else g.detach().double().numpy()
                for array, g in zip(arrays[1:], gradients, strict=True)
            ]
    except BaseException as error:  # SystemExit and KeyboardInterrupt are a stranger's as well
        if own_file is None and _isinstance(error, KeyboardInterrupt):
            raise  # in a notebook, it is the student who interrupts
        return {"error": explain(error, own_file) | {"parameters": _parameters(function)}}, []
    changed = [i for i, (a, b) in enumerate(zip(arrays, given, strict=True)) if a.tobytes() != b.tobytes()]
    return report | {"changed": changed}, numbers


def _describe(result):
    kind = type(result).__name__
    if _isinstance(result, _Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            plain = _Tensor.as_subclass(result, _Tensor)
            report = {
                "kind": "tensor",
                "dtype": str(plain.dtype),
                "shape": list(plain.shape),
                "requires_grad": plain.requires_grad,
            }
            readable = plain.layout == torch.strided and not (
                plain.is_meta or plain.is_complex() or plain.is_quantized
            )
            if not readable or plain.numel() > MAX_NUMBERS:
                return report, []
            return report, [plain.detach().double().numpy()]
    if _isinstance(result, (list, tuple)):
        if len(result) > MAX_NUMBERS:
            return {"kind": kind, "shape": [len(result)]}, []
        try:
            result, kind = np.array([float(value) for value in result]), "list"
        except (TypeError, ValueError, RuntimeError):  # not a list of numbers
            return {"kind": kind, "shape": [len(result)]}, []
    elif _isinstance(result, (bool, int, float, np.generic)):
        result, kind = np.asarray(result), "number"
    elif _isinstance(result, _ndarray):
        kind = "array"
    else:
        return {"kind": kind[:80]}, []
    report = {"kind": kind, "dtype": str(result.dtype), "shape": list(result.shape)}
    if result.dtype.kind not in "fiub" or result.size > MAX_NUMBERS:
        return report, []
    return report, [np.array(result, dtype=np.float64)]


def _parameters(function):
    """The names of a function's positional parameters."""
    code = getattr(function, "__code__", None)
    return [] if code is None else list(code.co_varnames[: code.co_argcount])


def explain(error, own_file=None):
    """An exception as plain data: type, message, and the author's own line that it comes from."""
    report = {"type": "Exception", "message": ""}
    with contextlib.suppress(BaseException):
        report["type"] = str(type(error).__name__)[:80]
        report["message"] = str(error)[:300]
    if _isinstance(error, ModuleNotFoundError):
        report["module"] = str(error.name)[:80]
    if _isinstance(error, SyntaxError) and own_file in (None, error.filename):
        report["message"] = str(error.msg)[:300]  # the message without the place
        return report | {"line": error.lineno, "code": (error.text or "").strip()[:200]}
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        is_own = name == own_file if own_file else not _is_library(name)
        if is_own:
            linecache.checkcache(name)  # in a notebook, the file may have been edited since
            code = linecache.getline(name, trace.tb_lineno, trace.tb_frame.f_globals).strip()
            report |= {"line": trace.tb_lineno, "code": code[:200]}
        trace = trace.tb_next
    return report


def _is_library(name):
    return name.startswith(os.path.dirname(__file__)) or (
        name.startswith(("<frozen", sys.base_prefix + os.sep, sys.prefix + os.sep))
        and "ipykernel" not in name
    )
