"""Finds submissions on the disk and reads them. Nothing of them is parsed or run here."""

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

MAX_BYTES = 16 << 20
SUFFIXES = (".py", ".ipynb")
ARCHIVES = (".zip", ".gz", ".tgz", ".rar", ".7z")


@dataclass(frozen=True)
class Submission:
    """One student's work, as text.

    Attributes:
        name: what it is called in the reports.
        source: the text of solution.py, if there is one.
        cells: the code cells, if it is a notebook (`source` is then the solution.py beside it).
        problem: why it can't be read, in a sentence; None if it can.
        note: a remark for the author, in a sentence; or None.
    """

    name: str
    source: str | None = None
    cells: list[str] | None = None
    problem: str | None = None
    note: str | None = None


def find_submissions(paths: list[str | os.PathLike]) -> list[Submission]:
    """The submissions at `paths`: files, folders of one submission, or folders of many.

    Raises:
        FileNotFoundError: a path that doesn't exist, or a folder without any submission.
    """
    found = [submission for path in paths for submission in _find(Path(path))]
    unique: dict[str, Submission] = {}
    for submission in found:
        # A file's name may hold bytes that are no text; reports are text.
        plain = submission.name.encode("utf-8", "replace").decode("utf-8")
        names = (plain, *(f"{plain} ({n})" for n in range(2, len(found) + 2)))
        name = next(name for name in names if name not in unique)
        unique[name] = replace(submission, name=name)
    return list(unique.values())


def _find(path: Path) -> list[Submission]:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    path = path.resolve()
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise FileNotFoundError(f"{path} is no .py file, no notebook and no folder")
        return [_read(path, path.stem if path.name != "solution.py" else path.parent.name or "solution")]
    files, folders = _entries(path)
    authors = [folder for folder in folders if os.access(folder, os.R_OK | os.X_OK) and _main_file(folder)]
    if path / "solution.py" in files or (len(files) == 1 and files[0].suffix == ".ipynb" and not authors):
        main = _main_file(path)
        others = [other.name for other in (*files, *authors) if other != main and other.suffix != ".ipynb"]
        note = f"Only {main.name} is graded, and not {', '.join(others)} beside it." if others else None
        one = _read(main, path.name)
        return [replace(one, note=" ".join(filter(None, (note, one.note))) or None)]
    found = [_one_of_many(entry) for entry in sorted((*files, *folders), key=lambda entry: entry.name)]
    if not found:
        raise FileNotFoundError(f"{path} holds no submission: no .py file, no notebook, no folder")
    return found


def _one_of_many(entry: Path) -> Submission:
    if entry.is_symlink():
        return Submission(entry.name, problem=f"{entry.name} is a link; hand in the file itself.")
    if entry.is_file():
        return _read(entry, entry.stem)
    try:
        main, files = _main_file(entry), _entries(entry)[0]
    except OSError as error:
        return Submission(entry.name, problem=f"The folder {entry.name} can't be read: {error.strerror}.")
    if main:
        return _read(main, entry.name)
    which = f"; it is unclear which of {', '.join(file.name for file in files)} to grade" if files else ""
    return Submission(entry.name, problem=f"There is no solution.py in this folder{which}.")


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files in a folder that may be submissions, and the folders."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))
    files = [e for e in entries if e.suffix in SUFFIXES or (e.suffix in ARCHIVES and not e.is_dir())]
    return files, [entry for entry in entries if entry.is_dir() and entry not in files]


def _main_file(folder: Path) -> Path | None:
    """The file to grade in a folder that is one submission, or None."""
    files, folders = _entries(folder)
    solution = folder / "solution.py"
    if solution in files:
        return solution
    if not files and len(folders) == 1 and not folders[0].is_symlink():  # as archives often unpack
        return _main_file(folders[0])
    return files[0] if len(files) == 1 else None


def _read(path: Path, name: str) -> Submission:
    if path.suffix in ARCHIVES:
        return Submission(name, problem=f"{path.name} is an archive; unpack it first.")
    text, note, problem = _text(path)
    if problem:
        return Submission(name, problem=problem)
    if path.suffix != ".ipynb":
        return Submission(name, source=text, note=note)
    try:
        cells = [
            "".join(cell["source"])
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] == "code" and isinstance(cell["source"], (str, list))
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Submission(
            name, problem=f"{path.name} is not a Jupyter notebook (version 4) that can be read."
        )
    beside = path.parent / "solution.py"
    source = None
    if os.path.lexists(beside):
        source, note, problem = _text(beside)
    return Submission(name, source=source, cells=cells, note=note, problem=problem)


def _text(path: Path) -> tuple[str, str | None, str | None]:
    """The file's (text, note, problem)."""
    if path.is_symlink():
        return "", None, f"{path.name} is a link; hand in the file itself."
    if not path.is_file():
        return "", None, f"{path.name} is a folder, not a file."
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return "", None, f"{path.name} can't be read: {error.strerror}."
    if len(content) > MAX_BYTES:
        return "", None, f"{path.name} is larger than {MAX_BYTES >> 20} MiB, which no solution needs."
    if not content.strip():
        return "", None, f"{path.name} is empty."
    encodings = ["utf-8-sig", "latin-1"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    declared = re.match(rb"(?:#.*\r?\n)?#.*?coding[:=][ \t]*([-\w.]+)", content)
    if declared and re.fullmatch(
        rb"(?i)ascii|utf-?(8|16)(-sig)?|latin-?1|iso-?8859-\d+|(cp|windows-)\d+", declared[1]
    ):
        encodings.insert(0, declared[1].decode())
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        fits = encoding == "utf-8-sig" or declared
        return text, None if fits else f"{path.name} is not saved as UTF-8; it was read as {encoding}.", None
    raise AssertionError("every byte is Latin-1")


def imported_by(submissions: list[Submission]) -> set[str]:
    """Of the slower well-known packages, those that some submission seems to import."""
    known = {
        "matplotlib": "matplotlib.pyplot",
        "torchvision": "torchvision",
        "sklearn": "sklearn.metrics",
        "scipy": "scipy",
    }
    texts = [text for one in submissions for text in (one.source or "", *(one.cells or ()))]
    return {
        module
        for name, module in known.items()
        if any(re.search(rf"^[ \t]*(?:import|from)[ \t]+{name}\b", text, re.MULTILINE) for text in texts)
    }
