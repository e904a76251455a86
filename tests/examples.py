"""The example submissions, their golden verdicts, and a right solution to build others from."""

import functools
import json
from pathlib import Path

from tests.grading.handed_in.reading import read_download
from tests.grading.handed_in.submission import Submission

EXAMPLES = Path(__file__).parent / "submissions"
EXPECTED = json.loads((EXAMPLES / "expected.json").read_text(encoding="utf-8"))
RIGHT = (EXAMPLES / "right" / "plain.py").read_text(encoding="utf-8")


@functools.cache
def submissions() -> dict[str, Submission]:
    """All examples, by their names in `EXPECTED`."""
    folders = [(folder, read_download([EXAMPLES / folder])[0]) for folder in ("right", "wrong", "hostile")]
    return {f"{folder}/{one.file}": one for folder, found in folders for one in found}


def verdict(found) -> dict[str, str]:
    """The golden form of a grade: what each lost criterion was lost for."""
    return {result.criterion.id: result.mistake for result in found.results if result.lost}
