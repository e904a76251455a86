"""A grader with a submission that never ends: with_the_grader.py ROOT"""

import sys

sys.path.insert(0, sys.argv[1])

from tests.grading.handed_in.submission import Submission
from tests.grading.running.sandbox import Sandbox
from tests.grading.running.session import Session

ENDLESS = "import os\nos.system('setsid sleep 71.5 &')\nos.write(1, b'runs')\nos.system('sleep 71.5')"
with Sandbox() as sandbox:
    with Session(sandbox, Submission("first", source="")):
        print("ready", flush=True)
    Session(sandbox, Submission("endless", source=ENDLESS), seconds=100)
