"""Prints how much the disk holds for a process that its root may not look at: as_root_of_docker.py ROOT FOLDER"""

import ctypes
import os
import signal
import sys

sys.path.insert(0, sys.argv[1])

from tests.grading.running.process import disk_of

reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.setresgid(30000, 30000, 30000)
    os.setresuid(30000, 30000, 30000)
    os.write(writing, b".")
    signal.pause()
os.read(reading, 1)
had = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
kept = int(had, 16) & 0xFFFFFFFF & ~(1 << 19)  # no CAP_SYS_PTRACE
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)) == 0
try:
    print(disk_of(sys.argv[2], [pid], 1 << 20))
finally:
    os.kill(pid, 9)
