"""What shows no mistake of the author's: it may be the machine's doing, or a human sees what was meant."""

import re
import sys

from .answers import Answer, Died, Missing, Raised

# What only newer versions of Python take, as it looks in the line where an older one stops.
_NEWER = (
    ((3, 11), r"except\s*\*|\[.*\*\w+.*\]"),
    ((3, 12), r"\b[rR]?[fF][rR]?['\"]|^\s*(async\s+)?(def|class)\s+\w+\s*\[|^\s*type\s+\w+"),
    ((3, 13), r"\[.*\w+\s*=\s*\w+.*\]\s*[(:]"),
    ((3, 14), r"\b[rR]?[tT][rR]?['\"]|except\s+[\w.]+\s*,"),
    ((3, 15), r"^\s*lazy\s+(import|from)\b|[\[({]\s*\*.*\bfor\b"),
)
_GRAPHICS_CARD = re.compile(r"(?i)\b(CUDA|NVIDIA|MPS|HIP|XPU)\b")  # as torch says that there is none


def is_undecided(answer: Answer) -> bool:
    """Whether a human should look at this answer before it costs a point."""
    if isinstance(answer, Died):
        return answer.cause in ("time", "machine")
    if isinstance(answer, Missing):
        return bool(answer.alike) or answer.is_hidden
    if not isinstance(answer, Raised):
        return False
    is_missing = answer.kind in ("ModuleNotFoundError", "ImportError") and answer.module != "solution"
    is_about_cards = answer.kind != "NameError" and bool(_GRAPHICS_CARD.search(answer.message))
    return is_missing or may_be_newer(answer) or is_about_cards


def may_be_newer(error: Raised, version: tuple[int, int] = sys.version_info[:2]) -> bool:
    """Whether it stops at what may be right in a newer Python than this version."""
    if error.kind not in ("SyntaxError", "IndentationError"):
        return False
    text = f"{error.code}\n{error.message}"  # of what was left out, the line stands in the message
    return any(version < newer and re.search(pattern, text) for newer, pattern in _NEWER)
