"""Starts a process of its own for each submission, where forking isn't safe."""

import os
import subprocess
import threading

from .inside.wire import READY
from .launch import NO_TORCH, PATIENCE, Starter, command, environment
from .process import SandboxError, end_family, memory_of


class Spawns(Starter):
    """A new process for each submission, with its own import of torch. Nothing shuts it in."""

    def _begin(self, settings, theirs, replies):
        try:
            process = subprocess.Popen(
                command("serve", settings.to_json(), *self.preload),
                **dict(zip(("stdin", "stdout", "stderr"), theirs, strict=True)),
                env=environment() | {"HOME": os.path.expanduser("~")},
                start_new_session=True,
            )
        finally:
            for fd in theirs:
                os.close(fd)

        def kill():
            if os.name == "posix":
                end_family(process.pid, process.pid, settings.uid)
            process.kill()
            process.wait()

        too_late = threading.Timer(PATIENCE, process.kill)
        too_late.start()
        try:
            if os.read(replies, 1) != READY:
                raise SandboxError(NO_TORCH)
        except BaseException:
            kill()
            raise
        finally:
            too_late.cancel()
        return process.pid, memory_of([process.pid]), kill
