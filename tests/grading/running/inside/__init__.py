"""Runs a stranger's code: the only part of the grader that does, in a process of its own.

`main.py` imports torch and forks. In the fork, `confine.py` shuts it in, `submission.py` loads what was
handed in and takes questions, and `call.py` calls a function and describes what it did as plain data.
Nothing here imports anything else of ours or knows an expected value: there is nothing to steal or to fool.
"""
