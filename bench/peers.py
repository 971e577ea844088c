"""The programs that are compared, how one of them listens, and one run of another as its client."""
import json
import os
import pathlib
import shutil
import subprocess
import threading

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# What would make a runtime differ from what its users get.
LEAVE_ALONE = ("GOMAXPROCS", "GOGC", "GODEBUG", "TOKIO_WORKER_THREADS", "NODE_OPTIONS", "UV_THREADPOOL_SIZE", "QUIC_GO_LOG_LEVEL")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in LEAVE_ALONE} | {"NODE_ENV": "production"}


class Stack:
    """A transport with what secures and divides it, in the flags that every peer takes."""

    def __init__(self, name):
        self.name = name
        parts = name.split("+")
        self.transport = parts[0]
        self.flags = ["--transport", parts[0]]
        if len(parts) > 1:
            self.flags += ["--security", parts[1], "--muxer", "yamux"]


class Peer:
    """An implementation's program. `where` puts its processes elsewhere: a command before its own."""

    def __init__(self, name, command, where=(), flags=()):
        self.name, self.command, self.where, self.flags = name, command, list(where), list(flags)

    def available(self):
        return shutil.which(self.command[0]) is not None and os.path.exists(self.command[-1])

    def placed(self, where):
        return Peer(self.name, self.command, where, self.flags)

    def line(self, mode, stack, *flags):
        return [*self.where, *self.command, mode, *stack.flags, *self.flags, *map(str, flags)]


def peers_of(build, interop, settings=()):
    """Every peer there can be, Starling first, with its `settings`: KEY=VALUE each."""
    ours = [flag for each in settings for flag in ("--set", each)]
    return [Peer("starling", [str(build / "bin" / "bench_peer")], flags=ours),
            Peer("go", [str(interop / "go" / "gopeer")]),
            Peer("rust", [str(interop / "rust" / "target" / "release" / "rustpeer")]),
            Peer("js", ["node", str(interop / "js" / "peer.mjs")])]


class Failed(Exception):
    """A run that gave no figure; the text says why."""


class Listener:
    """A listening process; a context that ends it."""

    def __init__(self, peer, stack, host="127.0.0.1"):
        self.peer, self.stack = peer, stack
        self.process = subprocess.Popen(peer.line("listen", stack, "--quiet", "--host", host, "--duration", 7200), env=ENVIRONMENT,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        ready = next((event for event in map(parse, self.process.stdout) if event.get("event") == "ready"), None)
        if ready is None:
            self.process.wait(10)
            raise Failed(f"{peer.name} does not listen with {stack.name}: exit {self.process.returncode}")
        self.address = ready["listening"][0]
        self.versions = ready.get("versions", {})
        # What it goes on saying is read away: a full pipe would stop it.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Run:
    """One run of a client against a listener: the event that holds the figures, and processor seconds of each side."""

    def __init__(self, peer, mode, listener, flags, wanted, seconds):
        self.wanted, self.event, self.said = wanted, None, ""
        before = listener.cpu_seconds()
        line = peer.line(mode, listener.stack, "--peer", listener.address, "--timeout", seconds, "--quiet", *flags)
        process = subprocess.Popen(line, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, text=True)
        killer = threading.Timer(seconds + 20, process.kill)
        killer.start()
        for text in process.stdout:
            self.hear(parse(text))
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.dialer_cpu = usage.ru_utime + usage.ru_stime
        self.listener_cpu = listener.cpu_seconds() - before
        if self.event is None:
            raise Failed(f"{peer.name} {mode} {' '.join(map(str, flags))} {listener.stack.name}: exit {process.returncode} {self.said}")

    def hear(self, event):
        if event.get("event") == self.wanted:
            self.event = event
        elif event.get("event") == "error":
            self.said = event.get("message", "")[:200]


def parse(line):
    """A line as an event; anything else is an empty one."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
