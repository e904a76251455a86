"""The Python of a notebook's cells, and of a script that was one: what IPython alone takes, made plain."""

import ast
import re
import textwrap
import warnings

# Cells that begin with these hold another language, or are run elsewhere. All others run as Python.
_ELSEWHERE = (
    "!", "bash", "cmd", "cython", "file", "html", "HTML", "javascript", "js", "julia", "latex", "markdown",
    "perl", "powershell", "pypy", "python", "python2", "python3", "R", "ruby", "script", "sh", "sql", "svg",
    "SVG", "sx", "system", "writefile",
)  # fmt: skip
_LINE = re.compile(r"(?P<indent>\s*)(?P<target>[\w., ]+=\s*)?[%!?](?P<rest>.*)|\s*[\w.]+\?+\s*")
_WITHIN = ("", " ", "\t", ")", "]", "}")  # how lines inside of a statement begin


def text_of(cells: list[str], functions: list[str], path: str, files: dict[str, str]) -> str:
    """The text of a notebook as one script, without what is no Python: see `python_of`."""
    return "\n\n".join(python_of(textwrap.dedent(cell), path, files, functions) for cell in cells)


def python_of(text: str, path: str, files: dict[str, str], functions: list[str] | None = None) -> str:
    """The Python of a cell or a script, as far as possible line by line. What it writes is put into `files`.

    Where functions are named, statements that are no Python are left out, unless they define one of them.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it can't be parsed.
    """
    head, _, body = text.lstrip("\n").partition("\n")
    if head.startswith("%%"):
        return _of_magic(head[2:].split() or [""], body, path, files, functions)
    lines = text.split("\n")
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said once, when it is executed
                tree = ast.parse("\n".join(lines), path)
            break
        except SyntaxError as error:
            # Only the line that is to blame: `%` may as well continue an expression.
            place = min(error.lineno or 1, len(lines)) - 1
            wrong = [i for i in range(place, max(place - 2, -1), -1) if _LINE.fullmatch(lines[i])]
            if wrong:
                _make_plain(lines, wrong[0])
            elif functions is None or not _leave_out(lines, place, functions):
                raise
    if "get_ipython" in text:  # as a notebook that was saved as a script has it
        for statement in reversed(tree.body):
            if (magic := _exported(statement)) is not None:
                lines[statement.lineno - 1 : statement.end_lineno] = [
                    python_of(magic, path, files, functions)
                ]
    return "\n".join(lines)


def _of_magic(words, body, path, files, functions):
    """The Python of a cell that begins with %%."""
    name, target = words[0], words[-1].strip("'\"").rpartition("/")[2]
    if name in ("writefile", "file") and target.endswith(".py"):
        files[target] = (files.get(target, "") if "-a" in words else "") + body + "\n"
    if name in _ELSEWHERE and target != "solution.py":
        return ""
    return "\n" + python_of(body, path, files, functions)


def _make_plain(lines, i):
    """Replace one line of IPython's, and those that continue it, by what it does to Python's names."""
    while lines[i].endswith("\\") and lines[i + 1 :]:
        lines[i] = lines[i][:-1] + lines.pop(i + 1).strip()
    found = _LINE.fullmatch(lines[i])
    indent, target, rest = found["indent"] or "", found["target"] or "", found["rest"] or ""
    name, _, argument = rest.partition(" ")
    if name == "time" and argument.strip():
        lines[i] = f"{indent}{target}{argument.strip()}"
    elif name == "run" and re.fullmatch(r"[\w./]+\.py", argument.strip()):
        lines[i] = f"{indent}from {argument.strip()[:-3].rpartition('/')[2]} import *"
    else:
        lines[i] = f"{indent}{target}[]" if target else f"{indent}pass"


def _leave_out(lines, i, functions):
    """Empty the statement at top level that holds line `i`; whether that is something, and no function's."""
    start, stop = i, i + 1
    while start > 0 and lines[start][:1] in _WITHIN:
        start -= 1
    while stop < len(lines) and lines[stop][:1] in _WITHIN:
        stop += 1
    statement = "\n".join(lines[start:stop])
    names = "|".join(functions) or "$"
    if not statement.strip() or re.search(rf"\bdef\s+({names})\b", statement):
        return False
    name = re.search(r"(?m)^(?:async\s+)?(?:def|class)\s+(\w+)", statement)
    wrong = lines[i].strip()
    lines[start:stop] = [""] * (stop - start)
    if name:  # whoever calls it hears why it is not there
        lines[start] = f"def {name[1]}(*_, **__): raise SyntaxError({wrong!r})"
    return True


def _exported(statement):
    """What `get_ipython().run_cell_magic("time", "", "…")` was in the notebook; None if it is none."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if ast.unparse(call.func.value) != "get_ipython()" or len(words) != len(call.args):
        return None
    if call.func.attr == "run_cell_magic" and len(words) == 3:
        return "%%{} {}\n{}".format(*words)
    return "%{} {}".format(*words) if call.func.attr == "run_line_magic" and len(words) == 2 else None
