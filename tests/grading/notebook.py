"""What a student sees of the grader in the notebook: checks, progress, figures and tables."""

import base64
import contextlib
import html
import io
import linecache
import re
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType

from .exercises import CRITERIA, FUNCTIONS
from .grade import Grade, check_function
from .report import mark, rows_of, table

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
        error = _load_error() if _is_from_solution(function) else None
        if error:
            print(f"solution.py stops before any function is called. {_told(error)}")
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
        if not _is_from_solution(function):
            in_cells.append(name)
    notes = _notes(results, in_cells, len(functions)) if _loaded else []
    display(_Check(Grade("", results), len(functions) > 1, notes))


def _notes(results, in_cells, checked):
    """What to do next, and what will be handed in, for a student in the notebook."""
    notes = []
    if any(result.mistake == "not implemented" for result in results):
        notes.append("Open solution.py, replace the line that starts with `raise`, save, and check again.")
    if in_cells:
        names = " and ".join(f"`{name}`" for name in in_cells)
        notes.append(f"{names}: written in this notebook. Hand in the notebook as well as solution.py.")
    elif len(results) == len(CRITERIA):
        notes.append("Hand in solution.py.")
    if len(in_cells) < checked and any(result.reason for result in results):
        notes.append(_saved())  # perhaps the student's last change was not
    return notes


# ---------------------------------------------------------------- solution.py

_loaded: dict[Path, BaseException | None] = {}  # each module's file, and why it can't be loaded, if so


def reload_on_change(module: ModuleType) -> None:
    """Before each cell of a notebook, load `module` anew if its file has changed; elsewhere, do nothing.

    Nothing of the old file is left; if the new one can't be loaded, the three functions raise the
    reason. (IPython's autoreload keeps the old functions then, and can miss new helper functions.)
    """
    from IPython import get_ipython

    path = Path(module.__file__)

    def version():
        with contextlib.suppress(OSError):
            status = path.stat()
            return status.st_mtime_ns, status.st_size

    loaded = version()
    _loaded[path] = None

    def refresh(*_):
        nonlocal loaded
        if version() == loaded:
            return
        loaded = version()
        for name in [name for name in vars(module) if not name.startswith("__")]:
            delattr(module, name)
        try:
            _loaded[path] = None
            exec(compile(path.read_bytes(), path, "exec"), vars(module))
        except BaseException as error:  # SystemExit and an interrupt, too, are told by the functions
            _loaded[path] = error
            for name in FUNCTIONS.values():
                setattr(module, name, _raising(error))

    if get_ipython() is not None:
        get_ipython().events.register("pre_run_cell", refresh)


def _raising(error):
    trace = error.__traceback__

    def function(*_):
        raise error.with_traceback(trace)

    return function


def _is_from_solution(function):
    """Whether calling `function` ends in solution.py: it stands there, or names it."""
    code = getattr(function, "__code__", None)
    return "solution" in getattr(code, "co_names", ()) or any(
        getattr(code, "co_filename", None) == str(path) for path in _loaded
    )


def _load_error():
    return next((error for error in _loaded.values() if error), None)


def _told(error):
    """What kept a file from being loaded, in a sentence."""
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted while it was loaded. Is there an endless loop outside of the functions?"
    kind, message = type(error).__name__, str(error)
    line, code = None, ""
    if isinstance(error, SyntaxError):
        kind, message, line, code = "It is not valid Python", error.msg, error.lineno, error.text or ""
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in map(str, _loaded):
                line, code = frame.lineno, frame.line or ""
    where = f" (line {line}: `{code.strip()}`)" if line else ""
    return f"{kind}: {message}{where}."


def _saved():
    (path,) = _loaded
    with contextlib.suppress(OSError):
        return (
            f"This is {path.name} as saved at {time.strftime('%H:%M', time.localtime(path.stat().st_mtime))}."
        )
    return f"{path.name} is not there any more."


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


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table: as HTML that scrolls on a narrow screen, or as aligned text on a terminal.

    Args:
        head: the titles of the columns; the first column is aligned left, all others right.
        rows: the cells, as text.
    """
    from IPython.display import display

    display(_Table([list(head), *map(list, rows)]))


class _Table:
    def __init__(self, rows):
        self._rows = rows

    def __repr__(self):
        widths = [max(map(len, column)) for column in zip(*self._rows, strict=True)]
        lines = []
        for first, *others in self._rows:
            cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
            lines.append("  ".join(cells))
        return "\n".join(lines)

    def _repr_html_(self):
        lines = ['<div style="overflow-x: auto"><table>']
        for kind, (first, *others) in zip(["th"] + ["td"] * len(self._rows), self._rows, strict=False):
            cells = "".join(
                f'<{kind} style="text-align: right">{html.escape(cell)}</{kind}>' for cell in others
            )
            lines.append(f'<tr><th style="text-align: left">{html.escape(first)}</th>{cells}</tr>')
        return "\n".join([*lines, "</table></div>"])


def show_figure(alt: str) -> None:
    """Show the current figure, as `plt.show()` does, with a text for those who can't see it.

    Args:
        alt: what the figure shows, in a sentence or two.
    """
    import matplotlib.pyplot as plt
    from IPython import get_ipython
    from IPython.display import display
    from PIL import Image

    if get_ipython() is None:
        plt.show()
        return
    file, small = io.BytesIO(), io.BytesIO()
    plt.savefig(file, dpi=90)
    plt.close()
    Image.open(file).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    image = base64.b64encode(small.getvalue()).decode()
    # Jupyter gives a picture no alternative text, HTML has one. The picture is for what takes no HTML.
    page = f'<img style="max-width: 100%" alt="{html.escape(alt)}" src="data:image/png;base64,{image}">'
    display({"text/html": page, "image/png": image, "text/plain": f"Figure: {alt}"}, raw=True)


@contextlib.contextmanager
def progress(total: int, what: str):
    """A bar that can be watched while something runs, and that leaves nothing behind.

    Yields a tqdm bar: `bar.update()` after each of `total` steps, `bar.set_description(what)`.
    In a notebook it is one display that is updated in place; where nobody watches, there is none.
    """
    from IPython import get_ipython
    from tqdm import tqdm

    if getattr(get_ipython(), "kernel", None) is None:  # a script: tqdm itself knows a terminal
        with tqdm(total=total, desc=what, leave=False, disable=None) as bar:
            yield bar
        return
    line = _Line()
    try:
        with tqdm(total=total, desc=what, file=line, ncols=80, bar_format=_BAR) as bar:
            yield bar
    finally:
        line.write("")


_BAR = "{desc}: {percentage:3.0f}%|{bar}|"


class _Line:
    """A file whose last line is shown, in a single display of the notebook."""

    def __init__(self):
        from IPython.display import display

        self._display = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text):
        if text.strip("\r\n") or not text:
            self._display.update({"text/plain": text.strip()}, raw=True)

    def flush(self):
        pass
