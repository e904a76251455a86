"""A right submission is tried at each level first: what fails there is no submission's fault."""

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


# What it does, the function of inside/allowed.py that does it, and the package that this needs. What isn't
# installed, or not preloaded for the class, is not tried.
CHECKS = [
    ("prints a tensor", "print_a_tensor", "torch"),
    ("plots", "plot", "matplotlib"),
    ("imports torchvision", "import_torchvision", "torchvision"),
]
SOURCE = (Path(__file__).parent / "inside" / "allowed.py").read_text(encoding="utf-8")


def failure(starter: Starter, level: Level) -> str | None:
    """What a right submission can't do at this level, in a sentence, or None."""
    packages = {"torch", *(module.partition(".")[0] for module in starter.preload)}
    checks = [one for one in CHECKS if one[2] in packages and PathFinder.find_spec(one[2], library())]
    starts = SimpleNamespace(limits=starter.limits, start=lambda: starter.start(level))
    functions = [function for _, function, _ in checks]
    try:
        with Session(starts, Submission("trial", source=SOURCE), SECONDS, functions) as session:
            if not isinstance(session.loaded, tuple):
                return _sentence("imports torch", session.loaded)
            for does, function, _ in checks:
                answer = session.call(Question(function, (), echo=True, trace=True))
                if not isinstance(answer, Returned):
                    return _sentence(does, answer)
    except SandboxError as error:  # no process can be started
        return str(error)
    return None


def _sentence(does, answer):
    why = f"{answer.kind}: {answer.message}" if isinstance(answer, Raised) else "it dies"
    return f"A right submission that {does} fails here ({why[:300]})."
