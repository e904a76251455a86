"""Calls a function, and describes what it did as plain data."""

import contextlib
import dis
import inspect
import itertools
import linecache
import os
import random
import sys
import types

import numpy as np

MAX_ITEMS = 8  # of a tuple
MAX_BACK = 50_000  # numbers of the arguments, up to which they are sent back
MAX_NUMBERS = 200_000  # the largest right answer has 784 * 130
MAX_TRACED = 200  # tensors on the way to a result, of MAX_NUMBERS together

# What is used after the stranger's code has run, as it was before.
_ndarray, _isinstance = np.ndarray, isinstance
torch = _Tensor = _from_numpy = None


def import_torch():
    """To be called first by a process that calls functions. The grader's own process has no need of torch."""
    global torch, _Tensor, _from_numpy
    import torch

    _Tensor, _from_numpy = torch.Tensor, torch.from_numpy
    np.random.get_state()  # noqa: NPY002, what is imported now need not be readable later


def call(function, arrays, differentiate=False, echo=False, own_file=None, trace=False):
    """Call `function` with `arrays` as tensors. Returns (report, numbers).

    Args:
        arrays: float32 arrays, passed by position as fresh tensors.
        differentiate: the sum of the result, by `backward()` as the notebook does.
        echo: whether to send the arguments back, if they are small.
        own_file: the author's file, for the line where an exception comes from.
        trace: whether to send what torch computes on the way, as far as there is room for it.

    Returns:
        report: JSON-able. Either "error", or "kind" (tensor, array, number, list, ...), "dtype",
            "shape", "requires_grad", "numbers" (whether there is an array of them), "items" (the same
            for what is in a tuple or list); see answers.py for the others.
        numbers: float arrays: those of the result and of its items, then the arguments as they are
            now (see `echo`), then one gradient for each argument but the first, then what is traced.
    """
    if not trace:
        return _call(function, arrays, differentiate, echo, own_file)
    with recorder() as seen:
        report, numbers = _call(function, arrays, differentiate, echo, own_file)
    return report | {"traced": len(seen.tensors)}, numbers + seen.tensors


def tensor_of(array):
    """A fresh tensor."""
    return _from_numpy(array.copy())


def numbers_of(result):
    """The numbers of a result; IndexError if it has none."""
    return _describe(result)[1][0]


def recorder():
    """A context that keeps all different tensors that torch computes, as arrays in `tensors`, while there is
    room for them."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls):
            return False  # to skip it, torch would import it, which takes longer than all the rest

        def __init__(self):
            super().__init__()
            self._seen, self._room = {}, MAX_NUMBERS

        @property
        def tensors(self):
            return list(self._seen.values())

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            result = operation(*args, **(kwargs or {}))
            for tensor in result[:MAX_ITEMS] if _isinstance(result, (tuple, list)) else (result,):
                with contextlib.suppress(Exception):  # of a kind that has no numbers
                    self.keep(tensor)
            return result

        def keep(self, tensor):
            if len(self._seen) < MAX_TRACED and tensor.is_floating_point() and tensor.numel() <= self._room:
                array = _numbers(tensor).copy()
                key = array.shape, array.tobytes()
                self._room -= 0 if key in self._seen else array.size
                self._seen[key] = array

    return Recorder()


def _call(function, arrays, differentiate, echo, own_file):
    global _last
    tensors = [tensor_of(array) for array in arrays]
    if differentiate:
        tensors = _tensors_of_training(function, arrays[0], tensors)
    before = settings(tensors, echo)
    try:
        result = function(*tensors)
        report, numbers = _describe(result)
        if report.get("items") is None and _may_be_idle(report, numbers):
            report["idle"] = not _looks_at_arguments(function)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are a stranger's as well
        if own_file is None and _isinstance(error, KeyboardInterrupt):
            raise  # in a notebook, it is the student who interrupts
        restore(before)
        return {"error": explain(error, own_file) | {"parameters": _parameters(function)}}, []
    after = settings(tensors, echo)
    report["changed_settings"] = [name for name, value in after.items() if value != before[name]]
    if report["changed_settings"]:
        restore(before)
    if _last and _last[0] is function and not _is_as_it_was(*_last[1:]):
        report["changed_settings"].append("the tensor that it returned before")
    _last = (function, result, numbers[0]) if report["kind"] == "tensor" and numbers else ()
    if echo and sum(array.size for array in arrays) <= MAX_BACK:
        pairs = zip(tensors, arrays, strict=True)
        numbers += [_numbers(t).copy() if t.shape == a.shape else a for t, a in pairs]
    if differentiate:
        try:
            numbers += _gradients(result, tensors[1:], report)
        except BaseException as error:
            if own_file is None and _isinstance(error, KeyboardInterrupt):
                raise
            report["gradient_error"] = explain(error, own_file)
    return report, numbers


_last = ()  # the function that returned a tensor last, the tensor, and its numbers then


def _is_as_it_was(tensor, numbers):
    with contextlib.suppress(Exception):
        return np.array_equal(_numbers(tensor), numbers, equal_nan=True)
    return False


def _gradients(result, parameters, report):
    """The gradients that `backward()` leaves, none if there is nothing to differentiate."""
    if not _isinstance(result, _Tensor) or not result.requires_grad or result.numel() > MAX_NUMBERS:
        return []
    report["graded_inside"] = any(p.grad is not None and bool(p.grad.any()) for p in parameters)
    if report["graded_inside"] and _GRAD in report["changed_settings"]:
        report["changed_settings"].remove(_GRAD)  # that says it all
    (result.sum() if result.ndim else result).backward()
    return [
        np.zeros(tuple(p.shape), np.float32) if p.grad is None else _numbers(p.grad).copy()
        for p in parameters
    ]


def _numbers(tensor):
    tensor = tensor.detach().cpu()  # wherever the author has moved it
    return (tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.double()).numpy()


_training = None, None, []  # the function that was asked last, its images, and its tensors


def _tensors_of_training(function, images, fresh):
    """Tensors to differentiate by: as in training, the parameters of the last time, with new values, and the
    images of the last time where they are the same."""
    global _training
    last, last_images, kept = _training
    if last is not function or [tensor.shape for tensor in kept[1:]] != [
        tensor.shape for tensor in fresh[1:]
    ]:
        kept = fresh
    elif last_images is not images:
        kept = [fresh[0], *kept[1:]]
    _training = function, images, kept
    for tensor, new in zip(kept[1:], fresh[1:], strict=True):
        tensor.requires_grad_(False)
        tensor.grad = torch.zeros_like(new)  # to be added to
        tensor.data = new
        tensor.requires_grad_()
    return list(kept)


_GRAD = "`.grad` of an argument"


def settings(tensors=(), thoroughly=False):
    """What a function must leave as it is, beside the values of its arguments."""
    grads = [tensor.grad for tensor in tensors]
    found = {
        "the random seed": torch.initial_seed(),
        "the default dtype": torch.get_default_dtype(),
        "whether torch differentiates": torch.is_grad_enabled(),
        "the number of threads": torch.get_num_threads(),
        "`requires_grad` of an argument": [tensor.requires_grad for tensor in tensors],
        "the shape of an argument": [tensor.shape for tensor in tensors],
        "the working directory": _folder(),
        _GRAD: [None if grad is None else (id(grad), grad._version) for grad in grads],
    }
    if thoroughly:
        found |= {
            "NumPy's random numbers": np.random.get_state()[1].tobytes(),  # noqa: NPY002, a student's
            "Python's random numbers": random.getstate()[1][:-1],
            "how tensors are printed": repr(torch._tensor_str.PRINT_OPTS),
            "how arrays are printed": repr(np.get_printoptions()),
        }
    return found


def _folder():
    with contextlib.suppress(OSError):
        return os.getcwd()
    return ""


def restore(before):
    """Put torch's settings and the working directory back as they were: see `settings`."""
    torch.set_default_dtype(before["the default dtype"])
    torch.set_grad_enabled(before["whether torch differentiates"])
    torch.set_num_threads(before["the number of threads"])
    with contextlib.suppress(OSError):
        os.chdir(before["the working directory"])


def _describe(result):
    if _isinstance(result, types.GeneratorType):
        result = list(itertools.islice(result, MAX_NUMBERS + 1))
    report, numbers = _describe_one(result)
    if _isinstance(result, (list, tuple)) and not numbers:
        described = [_describe_one(item) for item in result[:MAX_ITEMS]]
        report["length"] = len(result)
        report["items"] = [one for one, _ in described]
        numbers = [array for _, arrays in described for array in arrays]
    return report, numbers


def _describe_one(result):
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
            return report | {"numbers": True}, [_numbers(plain).copy()]
    if _isinstance(result, (list, tuple)):
        result = _array_of(result)
        if result is None:
            return {"kind": kind[:80]}, []
        kind = "list"
    elif _isinstance(result, (bool, int, float, np.generic)):
        result, kind = np.asarray(result), "number"
    elif _isinstance(result, _ndarray):
        kind = "array"
    else:
        return {"kind": kind[:80]}, []
    report = {"kind": kind, "dtype": str(result.dtype), "shape": list(result.shape)}
    if result.dtype.kind not in "fiub" or result.size > MAX_NUMBERS:
        return report, []
    return report | {"numbers": True}, [np.array(result, dtype=np.float64)]


def _array_of(things):
    """A list of numbers, or of lists of them, as an array; None if it is another one."""
    if not things or len(things) > MAX_NUMBERS:
        return None
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        return np.array([float(value.item() if _isinstance(value, _Tensor) else value) for value in things])
    if all(_isinstance(thing, (list, tuple)) for thing in things):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            return np.array(things, dtype=np.float64)
    return None


def _may_be_idle(report, numbers):
    return report["kind"] == "NoneType" or (numbers and numbers[0].size and not np.ptp(numbers[0]))


def _looks_at_arguments(function):
    """Whether its code reads any of its parameters: a stub doesn't."""
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    stars = sum(bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
    names = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars])
    return any(
        "LOAD" in instruction.opname and names & set(np.ravel(instruction.argval).tolist())
        for instruction in dis.get_instructions(code)
        if instruction.argval is not None
    )


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
    if _isinstance(error, ModuleNotFoundError) and error.name:
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
    if _isinstance(error, SyntaxError):  # of a module beside it, or of what was left out
        report.pop("line", None)
        report["code"] = (error.text or "").strip()[:200]
    return report


def _is_library(name):
    return name.startswith(os.path.dirname(__file__)) or (
        name.startswith(("<frozen", sys.base_prefix + os.sep, sys.prefix + os.sep))
        and "ipykernel" not in name
    )
