"""Makes the students' version of the sheet: python -m tests.grading.handing_out.students OUT

OUT is a new folder, or an archive if it ends in .zip. Two runs write the same bytes.
"""

import argparse
import ast
import json
import re
from modulefinder import ModuleFinder
from pathlib import Path

from ..handed_in.machine import PROJECT
from ..reporting.writing import pack, write_whole
from ..sheet.rubric import FUNCTIONS
from .autograder import HERE, grader_files

NAME = "exercise_sheet_8"  # the folder inside an archive
COPIED = (".gitignore", "LICENSE", "data/__init__.py", "data/README.md", "tests/__init__.py")
_ANSWER = re.compile(r" *### BEGIN SOLUTION\n.*?### END SOLUTION\n", re.DOTALL)  # as nbgrader marks them
_OURS = re.compile(r" \(`python tests/[^`]*`\)")  # a command for teachers: what it runs is not handed out


def files(github: bool = False) -> dict[str, str]:
    """All files of the hand-out: {path: content}.

    Args:
        github: with the whole grader, and a workflow in which it grades each push.
    """

    def read(path):
        return (PROJECT / path).read_text(encoding="utf-8")

    found = {path: read(path) for path in COPIED}
    # What only the tests need says so behind it.
    packages = read("requirements.txt").splitlines(keepends=True)
    found["requirements.txt"] = "".join(line for line in packages if "# tests" not in line)
    found["solution.py"] = stub(read("solution.py"))
    found["exercise_sheet_8.ipynb"] = strip(read("exercise_sheet_8.ipynb"))
    readme, grader = (HERE / "students.md").read_text(encoding="utf-8"), grader_files()
    if github:
        found[".github/workflows/classroom.yml"] = (HERE / "classroom.yml").read_text(encoding="utf-8")
        del grader["tests/grading/handing_out/students.py"]
    else:
        readme = re.sub(r" If your course works on GitHub.*", "", readme)
        grader = {path: grader[path] for path in needed_by_the_check() & set(grader)}
    return dict(sorted((found | {"README.md": readme} | grader).items()))


def needed_by_the_check() -> set[str]:
    """The paths of the notebook's modules, and of all in this project that they import."""
    finder = ModuleFinder([str(PROJECT)])
    finder.import_hook("tests.grading.notebook")
    paths = (Path(module.__file__) for module in finder.modules.values() if module.__file__)
    return {path.relative_to(PROJECT).as_posix() for path in paths}


def stub(source: str) -> str:
    """The module with its signatures and docstrings, whose three functions raise NotImplementedError.

    No exceptions are promised: nobody asks students for them.
    """
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = [f"{ast.get_source_segment(source, tree.body[0])}\n\nimport torch\nfrom torch import Tensor"]
    for exercise, name in FUNCTIONS.items():
        lines = source.splitlines()[functions[name].lineno - 1 : functions[name].body[0].end_lineno]
        text = "\n".join(lines).replace(" and errors", "")
        text = re.sub(r'\n\n    Raises:.*"""$', '\n    """', text, flags=re.DOTALL)
        found.append(f'{text}\n    raise NotImplementedError("Exercise {exercise}: implement {name}")')
    return "\n\n\n".join(found) + "\n"


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
    if out.suffix == ".zip":
        write_whole(out, pack(contents, NAME))
        return
    if out.exists() and any(out.iterdir()):
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
    contents = files(options.github)
    try:
        write(options.out, contents)
    except OSError as error:
        parser.exit(1, f"No hand-out was written: {error}.\n")
    print(f"{options.out}: {len(contents)} files")


if __name__ == "__main__":
    main()
