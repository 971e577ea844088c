"""How each implementation is started as a listener and asked to do a job, and what a job cost."""
import json
import os
import shutil
import subprocess
import sys
import threading
import time

CLIENT_TIMEOUT_SECONDS = 180
A_LITTLE = 64 << 10  # bytes
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Stack:
    """A transport with what secures and divides it, in the flags that every implementation here takes."""

    def __init__(self, name):
        self.name = name
        parts = name.split("+")
        self.transport = parts[0]
        self.flags = ["--transport", parts[0]]
        if len(parts) > 1:
            self.flags += ["--security", parts[1], "--muxer", "yamux"]

    def listen_address(self):
        return "/ip4/127.0.0.1/udp/0/quic-v1" if self.transport == "quic-v1" else "/ip4/127.0.0.1/tcp/0"


class Starling:
    name = "starling"

    def __init__(self, build):
        self.build = build
        self.program = str(build / "bin" / "starling")

    def available(self):
        return os.path.exists(self.program)

    def listen(self, folder, stack):
        key = os.path.join(folder, "starling.key")
        command = [self.program, "daemon", "--listen", stack.listen_address(), "--key", key, "--data-dir", folder,
                   "--perf", "--json", "--set", "connections.low_water=12000", "--set", "connections.high_water=12500",
                   *stack.flags]
        return command, lambda event: event["listen"][0]

    def job(self, metric, address, scale, stack):
        common = [*stack.flags, "--json", "--timeout", f"{CLIENT_TIMEOUT_SECONDS}s"]
        if metric in ("up", "down"):
            sizes = perf_sizes(metric, scale)
            field = "upload_seconds" if metric == "up" else "download_seconds"
            command = [self.program, "perf", address, *sizes, *common]
            return command, lambda e: e.get("event") == "perf" and scale["bytes"] / e[field] / 2**20
        if metric == "pings":
            command = [self.program, "ping", address, "--count", str(scale["pings"]), "--interval", "0", "--quiet", *common]
            return command, lambda e: e.get("event") == "ping-summary" and e["pings_per_second"]
        command = [self.program, "interop-client", "connect", address, "--count", str(scale["connects"]), *common]
        return command, lambda e: e.get("event") == "done" and e["per_second"]


def perf_sizes(metric, scale):
    """js-libp2p resets a request that comes in one piece with its end, so something goes up before every download."""
    return ["--upload", str(scale["bytes"] if metric == "up" else A_LITTLE),
            "--download", str(scale["bytes"] if metric == "down" else 0)]


class Foreign:
    def __init__(self, name, command):
        self.name, self.command = name, command

    def available(self):
        return shutil.which(self.command[0]) is not None and os.path.exists(self.command[-1])

    def listen(self, folder, stack):
        del folder
        return [*self.command, "listen", "--duration", "3600", *stack.flags], lambda event: event["listening"][0]

    def job(self, metric, address, scale, stack):
        common = ["--peer", address, *stack.flags, "--timeout", str(CLIENT_TIMEOUT_SECONDS)]
        if metric in ("up", "down"):
            sizes = perf_sizes(metric, scale)
            field = "uploadSeconds" if metric == "up" else "downloadSeconds"
            return ([*self.command, "perf-client", "--count", "1", *sizes, *common],
                    lambda e: e.get("event") == "perf" and scale["bytes"] / e[field] / 2**20)
        if metric == "pings":
            return ([*self.command, "ping", "--count", str(scale["pings"]), "--quiet", *common],
                    lambda e: e.get("event") == "ping-summary" and e["pingsPerSecond"])
        return ([*self.command, "connect", "--count", str(scale["connects"]), *common],
                lambda e: e.get("event") == "connect-summary" and e["connectionsPerSecond"])


class Listener:
    def __init__(self, implementation, folder, stack):
        command, address_of = implementation.listen(folder, stack)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            event = json.loads(line)
            if event.get("event") == "ready":
                self.address = address_of(event)
                # What it goes on saying is read away: a full pipe would stop it.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        self.process.wait(10)
        raise RuntimeError(f"{implementation.name} does not listen with {stack.name}: exit {self.process.returncode}")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Job:
    """One run of a client: its figure, and the processor seconds of both sides."""

    def __init__(self, implementation, metric, server, scale, stack):
        command, value_of = implementation.job(metric, server.address, scale, stack)
        before = server.cpu_seconds()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        killer = threading.Timer(CLIENT_TIMEOUT_SECONDS + 20, process.kill)
        killer.start()
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
        reader.start()
        output = process.stdout.read()
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.client_cpu = usage.ru_utime + usage.ru_stime
        self.server_cpu = server.cpu_seconds() - before
        self.value = next((value for line in output.splitlines()
                           if line.startswith("{") and (value := value_of(json.loads(line)))), None)
        if self.value is None:
            last = "".join(errors).strip()[-200:]
            print(f"  {implementation.name} {metric} {stack.name}: exit {process.returncode}: {last}", file=sys.stderr)


def idle_memory(starling, count, folder, stack):
    """(KiB of our listener per idle connection, pings per second answered meanwhile), or None. A second process opens
    `count` connections and lets them be."""
    holder = starling.build / "bin" / "idle_connections"
    if not holder.exists():
        return None
    server = Listener(starling, folder, stack)
    try:
        before = server.resident_kib()
        client = subprocess.Popen([str(holder), server.address, str(count)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        if client.stdout.readline().strip() != "ready":
            return None
        time.sleep(2)  # identify ends, buffers go back
        after = server.resident_kib()
        pings = Job(starling, "pings", server, {"pings": 2000}, stack)
        client.stdin.close()
        client.wait(120)
        return (after - before) / count, pings.value
    finally:
        server.stop()
