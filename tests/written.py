"""Submissions as a student writes them, from the declared steps: the torch text of each way."""

import inspect
import re

from tests.grading.sheet import mistakes
from tests.grading.sheet.steps import Formula, Step, Way, steps_of

HEAD = "import torch\nimport torch.nn.functional as F\n"


def source_of(formula: Formula, ways: tuple[Way, ...], arguments) -> str:
    """The function `formula` in torch, with these mistakes, in helper functions of its own."""
    chosen = {way.step: way for way in ways}
    prefix = formula.__name__[:3]
    names = {id(step): f"{prefix}_{name}" for name, step in vars(mistakes).items() if step in STEPS}
    lines = []
    for step in steps_of(formula, arguments):
        way = chosen.get(step, step.right)
        lines.append(f"def {names[id(step)]}({step.arguments}):\n    return {way.torch}\n")
    used = [formula] if "forward(" not in inspect.getsource(formula) else [mistakes.forward, formula]
    for function in used:
        text = inspect.getsource(function).replace("(at, ", "(").replace("forward(", f"{prefix}_forward(")
        lines.append(re.sub(r"at\[(\w+)\]", rf"{prefix}_\1", text))
    return "\n".join(lines)


STEPS = [value for value in vars(mistakes).values() if isinstance(value, Step)]
