"""Starts a process of its own for each submission, where forking isn't safe."""

import os
import subprocess
import threading

from .inside.settings import Level
from .inside.wire import READY
from .launch import NO_TORCH, PATIENCE, Starter, command, environment
from .process import Process, SandboxError, end_family, memory_of


class Spawns(Starter):
    """A new process for each submission, with its own import of torch. Nothing shuts it in."""

    def start(self, level: Level) -> Process:
        folder, settings = self.new_settings(level)
        process = subprocess.Popen(
            command("serve", settings.to_json(), *self.preload),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment() | {"HOME": os.path.expanduser("~")},
            start_new_session=True,
        )

        def kill():
            if os.name == "posix":
                end_family(process.pid, process.pid, settings.uid)
            process.kill()
            process.wait()

        fds = []
        for pipe in (process.stdin, process.stdout, process.stderr):
            with pipe:
                fds.append(os.dup(pipe.fileno()))
        started = Process(folder, *fds, process.pid, 0, self.limits.folder_bytes, kill)
        too_late = threading.Timer(PATIENCE, process.kill)
        too_late.start()
        try:
            if os.read(fds[1], 1) != READY:
                raise SandboxError(NO_TORCH)
        except BaseException:
            started.end()
            for fd in fds:
                os.close(fd)
            raise
        finally:
            too_late.cancel()
        started.memory_bytes = memory_of([process.pid]) + self.limits.memory_bytes
        return started
