"""Time the grader on 300 correct submissions: python tests/benchmark_grading.py [COUNT]

Prints the time for 100 and for all, and the peak memory of the grading process: it should not grow.
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
    runs = [(count // 3, []), (count, [])]
    if importlib.util.find_spec("xdist"):
        runs.append((count, ["-n", "2"]))
    for n, options in runs:
        with tempfile.TemporaryDirectory() as folder:
            for i, path in zip(range(n), itertools.cycle(RIGHT)):
                Path(folder, f"student_{i:03d}.py").write_bytes(path.read_bytes())
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "tests/test_solution.py",
                "--solution",
                folder,
                *options,
            ]
            start = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            last = process.stdout.read().strip().splitlines()[-1]
            usage = os.wait4(process.pid, 0)[2]
            seconds = time.perf_counter() - start
        title = f"{n} submissions {' '.join(options)}"
        print(f"{title}: {seconds:.1f} s, {usage.ru_maxrss >> 10} MiB at most ({last})")


if __name__ == "__main__":
    main()
