import os, resource, signal, socket


def attempt(name, action):
    try:
        action()
        print(name, "done")
    except OSError as error:
        print(name, "refused")


attempt("solution", lambda: open(ROOT + "/solution.py"))
attempt("list", lambda: os.listdir(ROOT))
attempt("elsewhere", lambda: open(TEMPORARY + "/left", "w"))
attempt("memory", lambda: open(f"/proc/{GRADER}/mem", "r+b"))
attempt("environment", lambda: open(f"/proc/{GRADER}/environ"))
attempt("signal", lambda: os.kill(GRADER, 0))
attempt("all", lambda: os.kill(-1, 0))
attempt("limits", lambda: resource.prlimit(GRADER, resource.RLIMIT_CPU))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, GRADER, 19))
attempt("network", lambda: socket.socket())
attempt("own signal", lambda: os.kill(os.getpid(), 0))
attempt("own file", lambda: open("mine", "w"))
os.chmod(TEMPORARY, 0)
import torch

os.fchmod(os.open(torch.__file__, os.O_RDONLY), 0)
print("the end")
