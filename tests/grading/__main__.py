"""python -m tests.grading PATH..."""

import sys

from .course.command import main

if __name__ == "__main__":
    sys.exit(main())
