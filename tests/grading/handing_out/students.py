"""Makes the students' version of the sheet: python -m tests.grading.handing_out.students OUT

OUT is a new folder, or an archive if it ends in .zip. Two runs write the same bytes.
"""

import argparse
import ast
import json
import re
from pathlib import Path

from ..handed_in.machine import PROJECT
from ..reporting.writing import pack, write_whole
from ..sheet.rubric import FUNCTIONS
from .autograder import WORKFLOW, grader_files

HERE = Path(__file__).resolve().parent
NAME = "exercise_sheet_8"  # the folder inside an archive
_ANSWER = re.compile(r" *### BEGIN SOLUTION\n.*?### END SOLUTION\n", re.DOTALL)  # as nbgrader marks them
_OURS = re.compile(r" \(`python tests/[^`]*`\)")  # a command for teachers: what it runs is not handed out
COPIED = (".gitignore", "LICENSE", "data/__init__.py", "data/README.md", "tests/__init__.py")


def files(github: bool = False) -> dict[str, str]:
    """All files of the hand-out: {path: content}.

    Args:
        github: with the whole grader, and a workflow in which it grades each push.
    """

    def read(path):
        return (PROJECT / path).read_text(encoding="utf-8")

    found = {path: read(path) for path in COPIED}
    readme = (HERE / "students.md").read_text(encoding="utf-8")
    found["README.md"] = readme if github else re.sub(r" If your course works on GitHub.*", "", readme)
    found["requirements.txt"] = requirements(read("requirements.txt"))
    found["solution.py"] = stub(read("solution.py"))
    found["exercise_sheet_8.ipynb"] = strip(read("exercise_sheet_8.ipynb"))
    grader = grader_files()
    if github:
        found[".github/workflows/classroom.yml"] = WORKFLOW
        del grader["tests/grading/handing_out/students.py"]
    else:
        needed = needed_by("tests/grading/notebook/__init__.py", grader)
        grader = {path: grader[path] for path in needed}
    return dict(sorted((found | grader).items()))


def requirements(text: str) -> str:
    """The packages that students need: those whose reason doesn't begin with "tests"."""
    return "".join(line for line in text.splitlines(keepends=True) if "# tests" not in line)


def needed_by(path: str, modules: dict[str, str]) -> set[str]:
    """The paths of a module, of all that it imports from `modules`, and of the packages around them."""
    found, waiting = set(), [path]
    while waiting:
        path = waiting.pop()
        if path in found or path not in modules:
            continue
        found.add(path)
        folders = path.split("/")[:-1]
        waiting += ["/".join([*folders[:n], "__init__.py"]) for n in range(1, len(folders) + 1)]
        for node in ast.walk(ast.parse(modules[path])):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = "/".join([*folders[: len(folders) - node.level + 1], *(node.module or "").split(".")])
                names = [f"{base.rstrip('/')}/{alias.name}" for alias in node.names]
                for module in (base.rstrip("/"), *names):
                    waiting += [f"{module}.py", f"{module}/__init__.py"]
    return found


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
            body = f"{_without_errors(ast.get_docstring(statement, clean=False))!r}\n"
            statement.body = ast.parse(f"{body}raise NotImplementedError({message!r})").body
            functions.append(ast.unparse(statement).replace(repr(message), f'"{message}"'))
    if exercises:
        raise ValueError(f"solution.py has no {' and no '.join(exercises)}")
    used = {node.id for node in ast.walk(ast.parse("\n".join(functions))) if isinstance(node, ast.Name)}
    for statement in imports:
        statement.names = [n for n in statement.names if (n.asname or n.name) in used | {"torch"}]
    header = [ast.get_source_segment(source, tree.body[0]) + "\n"] if ast.get_docstring(tree) else []
    header += [ast.unparse(statement) for statement in imports if statement.names]
    return "\n\n\n".join(["\n".join(header), *functions]) + "\n"


def _without_errors(docstring: str | None) -> str:
    """A docstring that promises no exceptions: nobody asks students for them."""
    return re.sub(
        r"\n\s*Raises:\n.*\Z", "\n    ", (docstring or "").replace(" and errors", ""), flags=re.DOTALL
    )


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
    parser.add_argument(
        "--github", action="store_true", help="with a workflow that grades each push (the student's own word)"
    )
    options = parser.parse_args()
    out = options.out
    try:
        contents = files(options.github)
        write(out, contents)
    except (OSError, ValueError) as error:
        known = getattr(error, "strerror", None)
        parser.exit(1, f"No hand-out was written: {f'{known}: {error.filename}' if known else error}.\n")
    print(f"{out}: {len(contents)} files")


if __name__ == "__main__":
    main()
