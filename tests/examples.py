"""The example submissions, their golden verdicts, and a right solution to build others from."""

import json
from pathlib import Path

EXAMPLES = Path(__file__).parent / "submissions"
EXPECTED = json.loads((EXAMPLES / "expected.json").read_text(encoding="utf-8"))
RIGHT = (EXAMPLES / "right" / "plain.py").read_text(encoding="utf-8")


def verdict(found) -> dict[str, str]:
    """The golden form of a grade: what each lost criterion was lost for."""
    return {result.criterion.id: result.mistake for result in found.results if result.lost}
