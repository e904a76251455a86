"""Linux's calls that Python's `os` doesn't have."""

import ctypes
import os
import sys


def libc():
    """The C library with Linux's calls, or None elsewhere."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def check(result: int) -> int:
    """The result of a call, where it is no failure.

    Raises:
        OSError: it is one.
    """
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
