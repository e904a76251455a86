"""Recognises the grader's own modules among what was handed in: they know the answers."""

import functools
import re
from pathlib import Path

_SHEET = Path(__file__).resolve().parents[1] / "sheet"


def is_ours(text: str) -> bool:
    """Whether a text has most of the long words of one of the modules that hold the sheet's formulas."""
    words = _long_words(text)
    return any(len(ours & words) > 0.6 * len(ours) for ours in _of_modules())


@functools.cache
def _of_modules():
    found = [_long_words(path.read_text("utf-8")) for path in _SHEET.rglob("*.py")]
    return [words for words in found if len(words) > 15]


def _long_words(text):
    return set(re.findall(r"[A-Za-z_]\w{7,}", text))
