"""Makes inside/numbers.py from the kernel's headers: python -m tests.running.system_call_numbers

Debian and Ubuntu have both headers in linux-libc-dev, on whatever machine. What they are too old for keeps
its number: from 424 up, system calls have the same on all machines.
"""

import re
import textwrap
from pathlib import Path

from tests.grading.running.inside import numbers, seccomp

# x86-64's own header, and the one that ARM64 shares with later machines.
HEADERS = (
    Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    Path("/usr/include/asm-generic/unistd.h"),
)
OUT = Path(numbers.__file__)
_DEFINE = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


def in_header(path: Path) -> dict[str, int]:
    """The numbers that a header defines, {name: number}; {} if it isn't there."""
    text = path.read_text() if path.exists() else ""
    return {name: int(number) for name, number in _DEFINE.findall(text)}


def main():
    tables = [in_header(path) for path in HEADERS]
    if not all(tables):
        raise SystemExit(f"There is no {' or '.join(map(str, HEADERS))}.")
    rows = []
    for name in seccomp.NAMES:
        known = numbers.NUMBERS.get(name, (None, None))
        found = tuple(table.get(name, old) for table, old in zip(tables, known, strict=True))
        rows.append(f'"{name}": {found},'.replace(" ", "\xa0"))  # not to be torn
    made = '"""Numbers of system calls on x86-64 and ARM64. Made by tests/running/system_call_numbers.py."""'
    table = textwrap.fill(" ".join(rows), 106, initial_indent="    ", subsequent_indent="    ")
    OUT.write_text(f"{made}\n\nNUMBERS = {{\n{table}\n}}  # fmt: skip\n".replace("\xa0", " "))


if __name__ == "__main__":
    main()
