"""Time the grader on 300 correct submissions: python tests/benchmark_grading.py [COUNT]

Prints the time for a third and for all, with one job and with two, and the memory of the largest process: it
should not grow. If pytest-xdist is there, its two processes are timed as well.
"""

import importlib.util
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
    runs = [(n, ["--jobs", jobs]) for n in (max(1, count // 3), count) for jobs in ("1", "2")]
    if importlib.util.find_spec("xdist"):
        runs.append((count, ["-n", "2"]))
    for n, options in runs:
        seconds, memory, last = timed(n, options)
        each = f"{seconds / n * 1000:.0f} ms each"
        print(f"{n} submissions, {' '.join(options)}: {seconds:.1f} s, {each}, {memory} MiB at most ({last})")


def timed(count, options):
    """The seconds, the memory in MiB, and the last line of grading so many submissions."""
    with tempfile.TemporaryDirectory() as folder:
        for i, path in zip(range(count), itertools.cycle(RIGHT)):
            Path(folder, f"student_{i:04d}.py").write_bytes(path.read_bytes())
        command = [sys.executable, "-m", "pytest", "-q", "tests/test_solution.py", "--solution", folder]
        start = time.perf_counter()
        process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        lines = process.stdout.read().strip().splitlines() or ["nothing was printed"]
        usage = os.wait4(process.pid, 0)[2]
        return time.perf_counter() - start, usage.ru_maxrss >> 10, lines[-1]


if __name__ == "__main__":
    main()
