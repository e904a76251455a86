"""Time the grader on 300 correct submissions: python tests/benchmark_grading.py [COUNT]

Prints the time for a third and for all, with one job and with two, and the memory of the largest process: it
should not grow.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RIGHT = sorted((ROOT / "tests" / "submissions" / "right").glob("*.py"))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for n in sorted({max(1, count // 3), count}):
        for jobs in (1, 2):
            seconds, memory, mean = timed(n, jobs)
            each = f"{seconds / n * 1000:.0f} ms each"
            print(f"{n} submissions, --jobs {jobs}: {seconds:.1f} s, {each}, {memory} MiB at most ({mean})")


def timed(count, jobs):
    """The seconds, the memory in MiB, and the line with the mean of grading so many submissions."""
    with tempfile.TemporaryDirectory() as folder:
        for i, path in zip(range(count), itertools.cycle(RIGHT)):
            Path(folder, f"student_{i:04d}.py").write_bytes(path.read_bytes())
        command = [sys.executable, "-m", "tests.grading", folder, "--jobs", str(jobs)]
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        lines = process.stdout.read().splitlines()
        usage = os.wait4(process.pid, 0)[2]
        means = [" ".join(line.split()) for line in lines if line.startswith(("mean", "Total"))]
        return time.perf_counter() - start, usage.ru_maxrss >> 10, (means or ["nothing was graded"])[0]


if __name__ == "__main__":
    main()
