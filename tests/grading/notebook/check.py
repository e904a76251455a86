"""What functions of a student's earn, and why, below each exercise of the notebook."""

import html
import linecache
import re
import sys
import warnings
from collections.abc import Callable

from ..judging.grade import check_function
from ..judging.result import NOT_IMPLEMENTED, Grade
from ..reporting.text import mark, rows_of, table
from ..sheet.rubric import CRITERIA, FUNCTIONS
from . import solution_file

_GREEN, _RED, _GREY = "#00785a", "#b34700", "#666666"  # told apart by the colour-blind too, dark on white


def check(*functions: Callable) -> None:
    """Show what functions of yours earn, and why: as a table in a notebook, as text on a terminal.

    For one function there is a line for each criterion, with the grader's own sentence where points
    are lost. For several there is a line for each function, the total, and what to hand in.

    Args:
        functions: any of `get_objective_term`, `reconstruct` and `anomaly_score`, from a cell or from
            solution.py. Whatever is wrong with them is shown, never raised.
    """
    import torch  # here, since grading whole submissions takes neither
    from IPython.display import display

    exercises = {name: exercise for exercise, name in FUNCTIONS.items()}
    results, in_cells = [], []
    callers = sys._getframe(1).f_globals  # a lambda's name is known only there
    linecache.checkcache()
    for function in dict.fromkeys(functions or (None,)):
        known = [name for name in exercises if callers.get(name) is function]
        name = known[0] if known else getattr(function, "__name__", None)
        if not isinstance(name, str) or name not in exercises or not callable(function):
            print(f"check takes the functions of this sheet, as in check({', '.join(exercises)}).")
            return
        problem = solution_file.load_problem() if solution_file.is_from_solution(function) else None
        if problem:
            print(f"solution.py stops before any function is called. {problem}")
            return
        try:
            with (
                torch.random.fork_rng(devices=[]),
                torch.inference_mode(False),
                torch.enable_grad(),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")  # the check's own odd sizes, not the student's, cause them
                found = check_function(function, exercises[name])
        except KeyboardInterrupt:
            print(f"Interrupted: {name} had not answered yet. Is there an endless loop?")
            return
        results += found
        if not solution_file.is_from_solution(function):
            in_cells.append(name)
    notes = _notes(results, in_cells, len(functions)) if solution_file.is_in_use() else []
    display(_Check(Grade("", results), len(functions) > 1, notes))


def _notes(results, in_cells, checked):
    """What to do next, and what will be handed in, for a student in the notebook."""
    notes = []
    if any(result.mistake == NOT_IMPLEMENTED for result in results):
        notes.append("Open solution.py, replace the line that starts with `raise`, save, and check again.")
    if in_cells:
        names = " and ".join(f"`{name}`" for name in in_cells)
        notes.append(f"{names}: written in this notebook. Hand in the notebook as well as solution.py.")
    elif len(results) == len(CRITERIA):
        notes.append("Hand in solution.py.")
    if len(in_cells) < checked and any(result.lost for result in results):
        notes.append(solution_file.saved())  # perhaps the student's last change was not
    return notes


# ---------------------------------------------------------------- what is shown


class _Check:
    """What `check` shows. Jupyter asks for the HTML, everything else for the text."""

    def __init__(self, grade, brief, notes):
        self._grade, self._brief, self._notes = grade, brief, notes

    def __repr__(self):
        return "\n".join([*self._notes, *table(self._grade, self._brief)])

    def _repr_html_(self):
        left, narrow = 'style="text-align: left"', 'style="text-align: left; white-space: nowrap"'
        lines = [f"<p>{_marked_up(note)}</p>" for note in self._notes] + ["<table>"]
        for title, results in rows_of(self._grade):
            lines.append(f'<tr><th colspan="3" {left}>{html.escape(title)}</th></tr>')
            for result, reason in results if not self._brief else ():
                sign, colour = {"ok": ("✓", _GREEN), "LOST": ("✗", _RED)}.get(mark(result), ("○", _GREY))
                word = mark(result).lower()
                text = html.escape(result.criterion.sentence, quote=False)
                text += f"<br><b>{_marked_up(reason)}</b>" if reason else ""
                text += f"<br>{_marked_up(result.note)}" if result.note else ""
                lines.append(
                    f'<tr><td {narrow}><span style="color: {colour}">{sign} {word}</span></td>'
                    f"<td>{result.points:g}/{result.criterion.points:g}</td><td {left}>{text}</td></tr>"
                )
        if len(self._grade.results) == len(CRITERIA):
            total = table(self._grade, brief=True)[-1]
            lines.append(f'<tr><th colspan="3" {left}>{total}</th></tr>')
        return "\n".join([*lines, "</table>"])


def _marked_up(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
