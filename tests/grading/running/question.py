"""One question to a function of a submission."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Question:
    """A call that is asked for.

    Attributes:
        function: its name in the submission.
        arrays: the arguments, float32, passed by position as fresh tensors.
        differentiate: whether the sum of what it returns is differentiated, as training does.
        echo: whether the arguments, as they are after the call, come back with the answer.
        trace: whether what torch computes on the way comes back, too.
    """

    function: str
    arrays: tuple[np.ndarray, ...]
    differentiate: bool = False
    echo: bool = False
    trace: bool = False
