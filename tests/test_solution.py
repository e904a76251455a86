"""The graded suite: one test for each criterion of the rubric, for one submission.

`pytest tests/test_solution.py` grades ./solution.py, `--solution=PATH` another. See the README.
"""

import pytest


def test_criterion(result):
    """The points of one criterion, or the reason why they are lost."""
    if result.lost:
        pytest.fail(result.reason, pytrace=False)
