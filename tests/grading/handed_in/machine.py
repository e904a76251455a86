"""Where the project lies on this machine, and how many of its cores there are for it."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # not Linux
