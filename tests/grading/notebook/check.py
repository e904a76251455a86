"""What functions of a student's earn, and why, below each exercise of the notebook."""

import ast
import contextlib
import html
import inspect
import io
import linecache
import re
import sys
import textwrap
import warnings
from collections.abc import Callable

from ..judging.function import check_function
from ..judging.result import NOTHING_WRITTEN, Grade
from ..reporting.text import mark, rows_of, table
from ..sheet.rubric import CRITERIA, FUNCTIONS
from . import solution_file
from .show import Shown, last_line

# Of the sign alone, told apart by the colour-blind too: what is to be read keeps the theme's own colour.
_SIGNS = {"ok": ("✓", "#00996f"), "LOST": ("✗", "#d55e00")}
LOOKED_AT = "Your teachers will look at this themselves: the numbers alone don't tell what is wrong."
_PRINTED = 2000  # characters of what a function prints that are shown


def check(*functions: Callable) -> None:
    """Show what functions of yours earn, and why: as a table in a notebook, as text on a terminal.

    For one function there is a line for each criterion, with the grader's own sentence where points
    are missing. For several there is a line for each function, the total, and what to hand in.

    Args:
        functions: any of `get_objective_term`, `reconstruct` and `anomaly_score`, from a cell or from
            solution.py. Whatever is wrong with them is shown, never raised.
    """
    from IPython.display import display

    callers = sys._getframe(1).f_globals  # a lambda's name is known only there
    linecache.checkcache()
    printed = []
    with last_line() as line:
        if line:
            line.write("checking …")
        shown = _examined(functions, callers, printed)
    display(shown)
    if text := "".join(printed)[:_PRINTED].rstrip():
        print(f"Your code prints, the first time that it is called:\n{text}")


def _examined(functions, callers, printed):
    """What is shown. What the functions print is added to `printed`."""
    results, in_cells, in_file, notes = [], [], [], []
    for function in dict.fromkeys(functions or (None,)):
        name = _name_of(function, callers)
        if name is None:
            return _sentence(
                f"check takes the functions of this sheet: check({', '.join(FUNCTIONS.values())})."
            )
        is_from_solution = solution_file.is_from_solution(function)
        if is_from_solution and (problem := solution_file.load_problem()):
            return _sentence(f"solution.py stops before any function is called. {problem}")
        try:
            results += _results(function, name, printed)
        except KeyboardInterrupt:
            return _sentence(f"Interrupted: {name} had not answered yet. Is there an endless loop?")
        notes += _unreached(function, name) if is_from_solution else []
        (in_file if is_from_solution else in_cells).append(name)
    if solution_file.is_in_use():
        notes += _notes(results, in_cells, in_file)
    if any(result.needs_human for result in results):
        notes.append(LOOKED_AT)
    return _table(Grade("", [result.settled() for result in results]), len(functions) > 1, notes)


def _name_of(function, callers):
    """Which of the sheet's functions this is, or None."""
    known = [name for name in FUNCTIONS.values() if function is not None and callers.get(name) is function]
    name = known[0] if known else getattr(function, "__name__", None)
    return name if callable(function) and name in FUNCTIONS.values() else None


def _results(function, name, printed):
    import torch  # here, since grading whole submissions takes none
    from IPython.utils.capture import capture_output

    texts = []

    @contextlib.contextmanager
    def caught():
        """Keeps what is printed, and lets nothing be displayed."""
        texts.append(io.StringIO())
        with contextlib.redirect_stdout(texts[-1]), capture_output(stdout=False, stderr=False):
            yield

    (number,) = (number for number, one in FUNCTIONS.items() if one == name)
    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # the check's own odd sizes, not the student's, cause them
        results = check_function(function, number, around=caught)
    printed += [text.getvalue() for text in texts[:1]]  # each call would print the same
    return results


def _unreached(function, name):
    """Lines of a cell below the one that hands the work to solution.py: they are never run."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        returns = [isinstance(statement, ast.Return) for statement in definition.body]
    except (OSError, TypeError, SyntaxError, ValueError, AttributeError):
        return []
    if True not in returns[:-1]:
        return []
    return [
        f"`{name}`: your lines in the cell stand below `return solution.{name}(...)` and are never run. "
        "Delete that line, and run the cell."
    ]


def _notes(results, in_cells, in_file):
    """What to do next, and what will be handed in, for a student in the notebook."""
    notes = []
    if any(cause.kind == NOTHING_WRITTEN for result in results for cause in result.causes):
        notes.append(
            "Open solution.py, replace the line that starts with `raise`, save, and check again. "
            "(Or write your code in the cell above, in place of its line with `return`, and run it first.)"
        )
    elif len(results) == len(CRITERIA):
        notes.append("Hand in solution.py and this notebook." if in_cells else "Hand in solution.py.")
    elif in_cells:
        names = " and ".join(f"`{name}`" for name in in_cells)
        notes.append(f"{names}: written in this notebook. Hand in the notebook as well as solution.py.")
    if in_file:
        notes += solution_file.remarks()
        if any(result.lost for result in results):
            notes.append(solution_file.saved())  # perhaps the student's last change was not
    return notes


def _sentence(text):
    return Shown(text, f"<p>{_marked_up(text)}</p>")


def _table(grade, is_brief, notes):
    left, narrow = 'style="text-align: left"', 'style="text-align: left; white-space: nowrap"'
    text, lines = table(grade, is_brief, lost="not yet"), ["<table>"]
    for title, results in rows_of(grade):
        lines.append(f'<tr><th colspan="3" {left}>{html.escape(title)}</th></tr>')
        for result, reason in results if not is_brief else ():
            sign, colour = _SIGNS.get(mark(result), ("○", "#808080"))
            word = {"LOST": "not yet"}.get(mark(result), mark(result))
            why = f"<br><b>{_marked_up(reason)}</b>" if reason else ""
            why += f"<br>{_marked_up(result.note)}" if result.note else ""
            lines.append(
                f'<tr><td {narrow}><span style="color: {colour}">{sign}</span> {word}</td>'
                f"<td>{result.points:g}/{result.criterion.points:g}</td>"
                f"<td {left}>{html.escape(result.criterion.sentence, quote=False)}{why}</td></tr>"
            )
    if len(grade.results) == len(CRITERIA):
        lines.append(f'<tr><th colspan="3" {left}>{text[-1]}</th></tr>')
    lines += ["</table>", *(f"<p>{_marked_up(note)}</p>" for note in notes)]
    return Shown("\n".join([*text, *notes]), "\n".join(lines))


def _marked_up(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
