#!/usr/bin/env python3
"""The systemd unit of deploy/: sound, shut in, and with a command line that the program takes.

    systemd_test.py PATH/TO/starling

Exits with 77 where systemd-analyze is missing or older than 250: ctest then shows the test as skipped.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

STARLING = os.path.abspath(sys.argv.pop(1))
UNIT = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "starling.service"
SECONDS = 30
MOST_EXPOSURE = 15  # in tenths: what a node on the internet cannot do without makes 13
SKIPPED = 77


def analyzer_version():
    if shutil.which("systemd-analyze") is None:
        return 0
    text = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, timeout=SECONDS).stdout
    return int(re.match(r"systemd (\d+)", text).group(1))


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS)


class Unit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.text = UNIT.read_text()

    def analyzable(self):
        if analyzer_version() < 250:
            self.skipTest("no systemd-analyze of version 250 or newer")
        copy = self.path / UNIT.name
        copy.write_text(self.text.replace("/usr/bin/starling", STARLING))
        return copy

    def test_it_is_sound(self):
        verdict = analyze("verify", "--man=no", "--recursive-errors=no", self.analyzable())
        self.assertEqual((verdict.returncode, verdict.stdout, verdict.stderr), (0, "", ""))

    def test_it_is_shut_in(self):
        verdict = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", self.analyzable())
        self.assertEqual(verdict.returncode, 0, verdict.stdout + verdict.stderr)

    def test_its_log_reaches_the_journal(self):
        # Unless told otherwise, stderr goes where stdout goes: to nowhere.
        self.assertRegex(self.text, r"(?m)^StandardError=journal$")

    def test_its_command_starts_a_node_that_stops_when_told(self):
        command = re.search(r"(?m)^ExecStart=(.*)$", self.text).group(1).split()
        state = self.path / "state"
        places = {"/usr/bin/starling": STARLING, "/etc/starling/node.toml": self.path / "node.toml", "/var/lib/starling": state}
        (self.path / "node.toml").touch()
        state.mkdir(0o700)
        command = [str(places.get(word, word)) for word in command]
        for place in places.values():
            self.assertIn(str(place), command)
        node = subprocess.Popen([*command, "--listen", "/ip4/127.0.0.1/tcp/0"], umask=0o077, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.assertEqual(json.loads(node.stdout.readline())["event"], "ready")
        finally:
            node.send_signal(signal.SIGTERM)
            errors = node.communicate(timeout=SECONDS)[1]
        self.assertEqual(node.returncode, 0, errors)
        self.assertTrue((state / "identity.key").exists())


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if result.skipped else 0)
