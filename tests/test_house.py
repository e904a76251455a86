"""Who may import whom: the grader is a house of rooms on floors, and imports run down only."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = "tests.grading"
GRADING = Path(__file__).parent / "grading"
ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in GRADING.rglob("*.py")
}

# From the ground to the roof: a module imports from its own room, and from rooms on lower floors.
FLOORS = (
    {"sheet"}, {"handed_in"}, {"running"}, {"judging"}, {"reporting"}, {"course", "handing_out", "notebook"},
    {"__main__"},
)  # fmt: skip
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
INSIDE = f"{HOUSE}.running.inside"


def room_of(module):
    return module.removeprefix(HOUSE).split(".")[1]


def imports_of(name, path):
    """What a module imports anywhere in it, by full names: the grader's modules, and others' packages."""
    package = (name if path.name == "__init__.py" else name.rpartition(".")[0]).split(".")
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            whole = [f"{base}.{alias.name}" for alias in node.names]
            found = [one if one in MODULES else base for one in whole]
        else:
            continue
        ours |= {one for one in found if f"{one}.".startswith(f"{HOUSE}.")}
        others |= {one.split(".")[0] for one in found if not f"{one}.".startswith(f"{HOUSE}.")}
    return ours, others


IMPORTS = {name: imports_of(name, path) for name, path in MODULES.items()}
ROOMS = [name for name in MODULES if name != HOUSE]


def test_every_module_stands_in_a_room_and_the_hall_is_empty():
    assert {room_of(name) for name in ROOMS} == set(FLOOR_OF)
    assert not MODULES[HOUSE].read_text(encoding="utf-8").strip()
    rooms = {path.relative_to(GRADING).parts[0].removesuffix(".py") for path in GRADING.rglob("*.py")}
    assert rooms == {*FLOOR_OF, "__init__"}


@pytest.mark.parametrize("name", ROOMS)
def test_imports_stay_in_the_room_or_run_down(name):
    for other in IMPORTS[name][0]:
        assert other in MODULES and other != HOUSE, other
        assert room_of(other) == room_of(name) or FLOOR_OF[room_of(other)] < FLOOR_OF[room_of(name)], other


@pytest.mark.parametrize("name", [name for name in ROOMS if f"{name}.".startswith(f"{INSIDE}.")])
def test_what_runs_beside_the_strangers_code_holds_nothing(name):
    ours, others = IMPORTS[name]
    assert all(f"{other}.".startswith(f"{INSIDE}.") for other in ours)
    assert others <= {*sys.stdlib_module_names, "numpy", "torch"}


@pytest.mark.parametrize("name", ROOMS)
def test_the_grader_knows_neither_pytest_nor_the_solution_nor_the_data(name):
    assert not IMPORTS[name][1] & {"pytest", "_pytest", "solution", "data", "tests"}


def test_the_process_that_decides_imports_no_torch():
    users = [name for name, (_, others) in IMPORTS.items() if "torch" in others]
    assert users and all(name.startswith((INSIDE, f"{HOUSE}.notebook")) for name in users)


def test_imports_run_in_no_circle():
    # A room's or package's __init__ is imported with each of its modules, and may import them.
    graph = {name: IMPORTS[name][0] - {name, name.rpartition(".")[0]} for name in ROOMS}
    TopologicalSorter(graph).prepare()  # raises CycleError
