"""A right submission is tried at each level first: what fails there is no submission's fault."""

from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace

from ..handed_in.submission import Submission
from .answers import Raised, Returned
from .inside.settings import Level
from .launch import Starter, library
from .process import SandboxError
from .question import Question
from .session import Session

SECONDS = 60  # a folder of fonts may have to be read


@dataclass(frozen=True)
class Check:
    """Something that a right submission may do.

    Attributes:
        does: what it does, as it is said of a submission.
        function: which function of `inside/allowed.py` does it.
        package: the package that it needs. What isn't installed, or not used by the class, is not tried.
    """

    does: str
    function: str
    package: str


CHECKS = [
    Check("prints a tensor", "print_a_tensor", "torch"),
    Check("plots", "plot", "matplotlib"),
    Check("imports torchvision", "import_torchvision", "torchvision"),
]
SOURCE = (Path(__file__).parent / "inside" / "allowed.py").read_text(encoding="utf-8")


def failure(starter: Starter, level: Level) -> str | None:
    """What a right submission can't do at this level, in a sentence, or None."""
    packages = {"torch", *(module.partition(".")[0] for module in starter.preload)}
    checks = [c for c in CHECKS if c.package in packages and PathFinder.find_spec(c.package, library())]
    starts = SimpleNamespace(limits=starter.limits, start=lambda: starter.start(level))
    functions = [check.function for check in checks]
    try:
        with Session(starts, Submission("trial", source=SOURCE), SECONDS, functions) as session:
            if not isinstance(session.loaded, tuple):
                return _sentence("imports torch", session.loaded)
            for check in checks:
                answer = session.call(Question(check.function, (), echo=True, trace=True))
                if not isinstance(answer, Returned):
                    return _sentence(check.does, answer)
    except SandboxError as error:  # no process can be started
        return str(error)
    return None


def _sentence(does, answer):
    why = f"{answer.kind}: {answer.message}" if isinstance(answer, Raised) else "it dies"
    return f"A right submission that {does} fails here ({why[:300]})."
