"""A grader with a submission that never ends: with_the_grader.py ROOT SECONDS"""

import sys

sys.path.insert(0, sys.argv[1])

from tests.grading.handed_in.submission import Submission
from tests.grading.running.sandbox import Sandbox
from tests.grading.running.session import Session

SLEEP = f"sleep {sys.argv[2]}"
ENDLESS = f"import os\nos.system('setsid {SLEEP} &')\nos.write(1, b'runs')\nos.system('{SLEEP}')"
with Sandbox() as sandbox:
    with Session(sandbox, Submission("first", source="")):
        print("ready", flush=True)
    Session(sandbox, Submission("endless", source=ENDLESS), seconds=100)
