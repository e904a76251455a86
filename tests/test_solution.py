"""The graded suite: one test for each criterion of the rubric, for one submission.

`pytest tests/test_solution.py` grades ./solution.py, `--solution=PATH` another. See the README.
"""

import pytest

from tests.grading.sheet.rubric import CRITERIA


@pytest.mark.parametrize("place", range(len(CRITERIA)), ids=[criterion.id for criterion in CRITERIA])
def test_criterion(grade, place, record_property):
    """The points of one criterion, or the reason why they are lost; --junitxml has both."""
    result = grade.results[place]
    record_property("submission", grade.name)
    record_property("exercise", result.criterion.exercise)
    record_property("criterion", result.criterion.id)
    record_property("points", result.points)
    record_property("max_points", result.criterion.points)
    if result.lost:
        pytest.fail(result.reason, pytrace=False)
