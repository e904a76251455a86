"""The grader tries a right submission on itself first: what fails there is no submission's fault."""

from importlib.machinery import PathFinder
from types import SimpleNamespace

from ..handed_in.submission import Submission
from .forks import Forks
from .launch import library
from .session import Session
from .spawns import Spawns

SECONDS = 60  # a folder of fonts may have to be read

# What a right submission may do, the package that it takes, and how it is done.
STEPS = {
    "prints a tensor": (
        "torch",
        "import torch\nloss = torch.ones(2, requires_grad=True).sum()\nloss.backward()\nprint(loss)",
    ),
    "plots": (
        "matplotlib",
        "import matplotlib.pyplot as plt\nplt.title('x')\nplt.imshow([[0, 1]])\nplt.savefig('x.png')",
    ),
    "imports torchvision": ("torchvision", "import torchvision"),
}
_BEGIN, _FAILED = "begin: ", "failed: "


def trouble(starter: "Forks | Spawns", way: list[str], preload: list[str]) -> str | None:
    """What a right submission that needs these modules can't do here, in a sentence, or None.

    Args:
        way: what it is kept from, one of `starter.ways()`.

    Raises:
        SandboxError: no process can be started.
    """
    packages = {"torch", *(module.partition(".")[0] for module in preload)}
    steps = {
        what: code
        for what, (package, code) in STEPS.items()
        if package in packages and PathFinder.find_spec(package, library())
    }
    source = "import torch\n"  # without which nobody can be graded
    for what, code in steps.items():
        lines = "".join(f"    {line}\n" for line in code.splitlines())
        source += f"print({_BEGIN + what!r}, flush=True)\ntry:\n{lines}"
        source += (
            f"except BaseException as error:\n    print({_FAILED!r}, repr(error), flush=True)\n    raise\n"
        )
    source += f"print({_BEGIN!r}, flush=True)\n"
    starts = SimpleNamespace(limits=starter.limits, start=lambda _: starter.start(way, preload))
    with Session(starts, Submission("trial", source=source), seconds=SECONDS) as session:
        session.close()
    lines = session.output.splitlines()
    begun = [line.removeprefix(_BEGIN) for line in lines if line.startswith(_BEGIN)]
    if begun and not begun[-1]:
        return None
    why = next((line.removeprefix(_FAILED).strip() for line in lines if line.startswith(_FAILED)), "it dies")
    return f"A right submission that {begun[-1] if begun else 'imports torch'} fails here ({why[:300]})."
