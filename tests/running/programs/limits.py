import os
import resource

print("core", resource.getrlimit(resource.RLIMIT_CORE))
children = 0
try:
    while True:
        if os.fork() == 0:
            os.pause() if hasattr(os, "pause") else __import__("signal").pause()
        children += 1
except OSError:
    print("children", children)
