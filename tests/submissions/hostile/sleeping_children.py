import os
import subprocess
import sys
import time

import torch

# one plain child, one in its own session, one daemon by double fork; all keep stdout and stderr
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "600"], start_new_session=True, close_fds=False)
_pid = os.fork()
if _pid == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.waitpid(_pid, 0)


def get_objective_term(x, V, W, b, a):
    return ((x - (torch.relu(x @ V + b) @ W + a)) ** 2).sum(1).mean()


def reconstruct(x, V, W, b, a):
    return (torch.relu(x @ V + b) @ W + a).view(-1, 28, 28)


def anomaly_score(x, reconstruction):
    return ((x - reconstruction) ** 2).sum(1)
