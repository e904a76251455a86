"""Who may import whom: the grader is a tower, and the room with the stranger's code holds nothing."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

GRADING = Path(__file__).parent / "grading"
MODULES = {".".join(path.relative_to(GRADING).with_suffix("").parts): path for path in GRADING.rglob("*.py")}

# From the roof to the ground: each module imports only what stands further down, or isn't in this list.
TOWER = (
    "notebook", "grade", "examine", "behave", "recover", "reading", "locate_scores", "locate", "asking",
    "explain", "trouble", "mistakes", "steps", "probes", "verdict", "answers", "exercises", "inside",
)  # fmt: skip


def imports_of(name):
    """The modules that one imports anywhere: (ours, others)."""
    ours, others = set(), set()
    package = (*name.split(".")[:-1],) if name != "inside.__init__" else ("inside",)
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            if node.module:
                ours.add(".".join((*base, node.module)))
            else:
                ours |= {".".join((*base, alias.name)) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            others.add(node.module.split(".")[0])
    return {one.split(".")[0] if one.split(".")[0] == "inside" else one for one in ours}, others


@pytest.mark.parametrize("name", MODULES)
def test_the_grader_knows_neither_pytest_nor_the_solution_nor_the_data(name):
    _, others = imports_of(name)
    assert not others & {"pytest", "_pytest", "solution", "data", "tests"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("inside")])
def test_what_runs_beside_the_strangers_code_holds_nothing(name):
    ours, others = imports_of(name)
    assert ours <= {"inside"}
    assert others <= {*sys.stdlib_module_names, "numpy", "torch"}


def test_the_process_that_decides_imports_no_torch():
    users = [name for name in MODULES if "torch" in imports_of(name)[1]]
    assert users and all(name.startswith("inside") or name == "notebook" for name in users)


@pytest.mark.parametrize("name", TOWER[:-1])
def test_imports_run_down_the_tower(name):
    ours, _ = imports_of(name)
    assert not ours & set(TOWER[: TOWER.index(name) + 1])


def test_imports_run_in_no_circle():
    graph = {name: imports_of(name)[0] - {"inside"} for name in MODULES if not name.startswith("inside")}
    TopologicalSorter(graph).prepare()  # raises CycleError
