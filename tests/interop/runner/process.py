"""Processes that speak JSON lines: started, watched and always ended."""

import json
import os
import signal
import subprocess
import threading
import time


class Process:
    """One child process; its stdout is parsed line by line as it comes."""

    def __init__(self, command, log_path):
        self.command = [str(part) for part in command]
        self.events = []
        self.ended = False
        self._changed = threading.Condition()
        self._log = open(log_path, "ab")
        self._log.write(("$ " + " ".join(self.command) + "\n").encode())
        self._log.flush()
        self._child = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            self._log.write(line)
            self._log.flush()
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                with self._changed:
                    self.events.append(event)
                    self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def wait_event(self, wanted, seconds, start=0):
        """The first event from index start for which wanted(event) holds, or None."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for event in self.events[start:]:
                    if wanted(event):
                        return event
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    return None
                self._changed.wait(left)

    def wait(self, seconds):
        """The exit code, or None after a time-out, which ends the process."""
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        self._reader.join(5)
        return code

    def alive(self):
        return self._child.poll() is None

    def stop(self, seconds=15):
        """Ask the process to end; its exit code, or None when it had to be killed."""
        if self.alive():
            self._child.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        if self.alive():
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        self._reader.join(5)
