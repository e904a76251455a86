"""Runs a stranger's code: the only part of the grader that does, in a process of its own.

`session.py` has server.py started and sends inputs; it sends back what the functions returned, as plain data.
Nothing here imports anything else of ours or knows an expected value: there is nothing to steal or to fool.
"""

FUNCTIONS = ("get_objective_term", "reconstruct", "anomaly_score")
