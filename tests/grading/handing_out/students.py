"""Makes the students' version of the sheet: python -m tests.grading.handing_out.students OUT

OUT is a new folder, or an archive if it ends in .zip. Two runs write the same bytes.
"""

import argparse
import ast
import json
import re
from pathlib import Path

from ..reporting.writing import pack, write_whole
from ..sheet.rubric import FUNCTIONS
from .autograder import WORKFLOW, grader_files

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
NAME = "exercise_sheet_8"  # the folder inside an archive
_ANSWER = re.compile(r" *### BEGIN SOLUTION\n.*?### END SOLUTION\n", re.DOTALL)  # as nbgrader marks them
_OURS = re.compile(r" \(`python tests/[^`]*`\)")  # a command for teachers: what it runs is not handed out
COPIED = (
    ".gitignore", "requirements.txt", "LICENSE", "data/__init__.py", "data/README.md", "tests/__init__.py"
)  # fmt: skip


def files() -> dict[str, str]:
    """All files of the hand-out: {path: content}."""

    def read(path):
        return (PROJECT / path).read_text(encoding="utf-8")

    found = {path: read(path) for path in COPIED}
    found["README.md"] = (HERE / "students.md").read_text(encoding="utf-8")
    found["solution.py"] = stub(read("solution.py"))
    found["exercise_sheet_8.ipynb"] = strip(read("exercise_sheet_8.ipynb"))
    found[".github/workflows/classroom.yml"] = WORKFLOW
    found |= grader_files()
    del found["tests/grading/handing_out/students.py"]
    return dict(sorted(found.items()))


def stub(source: str) -> str:
    """The module with its signatures and docstrings, and without its answers.

    The bodies of the three functions raise NotImplementedError. All other definitions go, and with
    them the imports that only they needed.

    Raises:
        ValueError: a function of the sheet is missing.
    """
    tree = ast.parse(source)
    exercises = {name: exercise for exercise, name in FUNCTIONS.items()}
    imports, functions = [], []
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            imports.append(statement)
        elif isinstance(statement, ast.FunctionDef) and statement.name in exercises:
            message = f"Exercise {exercises.pop(statement.name)}: implement {statement.name}"
            docstring = statement.body[: ast.get_docstring(statement) is not None]
            statement.body = docstring + ast.parse(f"raise NotImplementedError({message!r})").body
            functions.append(ast.unparse(statement).replace(repr(message), f'"{message}"'))
    if exercises:
        raise ValueError(f"solution.py has no {' and no '.join(exercises)}")
    used = {node.id for node in ast.walk(ast.parse("\n".join(functions))) if isinstance(node, ast.Name)}
    for statement in imports:
        statement.names = [n for n in statement.names if (n.asname or n.name) in used | {"torch"}]
    header = [ast.get_source_segment(source, tree.body[0]) + "\n"] if ast.get_docstring(tree) else []
    header += [ast.unparse(statement) for statement in imports if statement.names]
    return "\n\n\n".join(["\n".join(header), *functions]) + "\n"


def strip(notebook: str) -> str:
    """The notebook without outputs, counts, and metadata but for the kernel's name."""
    content = json.loads(notebook)
    content["metadata"] = {key: content["metadata"][key] for key in ("kernelspec", "language_info")}
    for cell in content["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            cell["source"] = _ANSWER.sub("    # TODO: your idea\n", source).splitlines(keepends=True)
            cell |= {"outputs": [], "execution_count": None}
        else:
            cell["source"] = [_OURS.sub("", line) for line in cell["source"]]
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write(out: Path, contents: dict[str, str]) -> None:
    """Write the files to the new folder `out`, or to an archive if it ends in .zip.

    Raises:
        OSError: `out` can't be written, or is a folder with something in it.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".zip":
        write_whole(out, pack(contents, NAME))
        return
    out.mkdir(exist_ok=True)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")  # it may hold a student's work
    for path, content in contents.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content.encode())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.grading.handing_out.students", description=__doc__.split(":")[0]
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder, or a .zip file")
    out = parser.parse_args().out
    try:
        contents = files()
        write(out, contents)
    except (OSError, ValueError) as error:
        known = getattr(error, "strerror", None)
        parser.exit(1, f"No hand-out was written: {f'{known}: {error.filename}' if known else error}.\n")
    print(f"{out}: {len(contents)} files")


if __name__ == "__main__":
    main()
