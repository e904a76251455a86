"""Refuses system calls to itself, as a container does, then grades a right submission.

python as_in_a_container.py ROOT UID CALL...
"""

import ctypes
import json
import os
import struct
import sys
from pathlib import Path

root, uid, *names = sys.argv[1:]
sys.path.insert(0, root)

from tests.grading.handed_in.submission import Submission
from tests.grading.judging.grade import grade
from tests.grading.running.inside import seccomp
from tests.grading.running.sandbox import Sandbox

if int(uid):
    os.setgroups([])
    os.setresgid(int(uid), int(uid), int(uid))
    os.setresuid(int(uid), int(uid), int(uid))
steps = [struct.pack("HBBI", 0x20, 0, 0, 0)]  # load the number of the call
for name in names:
    steps.append(struct.pack("HBBI", 0x15, 0, 1, seccomp.number_of(name)))  # another? then over the next
    steps.append(struct.pack("HBBI", 0x06, 0, 0, 0x50001))  # EPERM
steps.append(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))  # allow
code = ctypes.create_string_buffer(b"".join(steps))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
header = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
assert libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER

with Sandbox() as sandbox:
    right = Path(root, "tests/submissions/right/plain.py").read_text()
    found = grade(Submission("right", source=right), sandbox)
    print(json.dumps([found.total, sandbox.level.name, sandbox.unprotected, found.unprotected]))
