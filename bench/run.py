#!/usr/bin/env python3
"""Starling beside go, rust and js libp2p, in one run on one machine, as ratios.

Every pair runs the same jobs (perf up and down, pings one after the other, new connections) as two processes over
loopback with TCP, Noise and yamux. Rounds are interleaved, the median counts. A ratio above 1 means faster than the
best of the others. The machine's own limits (raw TCP, AEAD) are measured in the same run.

    bench/run.py [--rounds 3] [--peers go,rust,js] [--size 512MiB] [--pings 20000] [--connects 500] [--idle 1000]
                 [--json FILE] [--markdown FILE]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INTEROP = ROOT / "build" / "interop"
STACK = ["--security", "noise", "--muxer", "yamux"]
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
METRICS = {"up": "upload MiB/s", "down": "download MiB/s", "pings": "pings/s", "connects": "connections/s"}
CLIENT_TIMEOUT_SECONDS = 180


def parse_size(text):
    for unit, factor in SIZES.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


class Starling:
    name = "starling"

    def __init__(self, build):
        self.program = str(build / "bin" / "starling")

    def available(self):
        return os.path.exists(self.program)

    def listen(self, folder):
        key = os.path.join(folder, "starling.key")
        command = [self.program, "daemon", "--listen", "/ip4/127.0.0.1/tcp/0", "--key", key, "--perf", "--json", *STACK]
        return command, lambda event: event["listen"][0]

    def job(self, metric, address, scale):
        common = [*STACK, "--json", "--timeout", f"{CLIENT_TIMEOUT_SECONDS}s"]
        if metric in ("up", "down"):
            flag = "--upload" if metric == "up" else "--download"
            field = "upload_seconds" if metric == "up" else "download_seconds"
            command = [self.program, "perf", address, flag, str(scale["bytes"]), *common]
            return command, lambda e: e.get("event") == "perf" and scale["bytes"] / e[field] / 2**20
        if metric == "pings":
            command = [self.program, "ping", address, "--count", str(scale["pings"]), "--interval", "0", "--quiet", *common]
            return command, lambda e: e.get("event") == "ping-summary" and e["pings_per_second"]
        command = [self.program, "interop-client", "connect", address, "--count", str(scale["connects"]), *common]
        return command, lambda e: e.get("event") == "done" and e["per_second"]


class Foreign:
    def __init__(self, name, command):
        self.name, self.command = name, command

    def available(self):
        return shutil.which(self.command[0]) is not None and os.path.exists(self.command[-1])

    def listen(self, folder):
        del folder
        return [*self.command, "listen", "--duration", "3600", *STACK], lambda event: event["listening"][0]

    def job(self, metric, address, scale):
        common = ["--peer", address, *STACK, "--timeout", str(CLIENT_TIMEOUT_SECONDS)]
        if metric in ("up", "down"):
            sizes = ["--upload", str(scale["bytes"] if metric == "up" else 0), "--download", str(scale["bytes"] if metric == "down" else 0)]
            field = "uploadSeconds" if metric == "up" else "downloadSeconds"
            return ([*self.command, "perf-client", "--count", "1", *sizes, *common],
                    lambda e: e.get("event") == "perf" and scale["bytes"] / e[field] / 2**20)
        if metric == "pings":
            return ([*self.command, "ping", "--count", str(scale["pings"]), "--quiet", *common],
                    lambda e: e.get("event") == "ping-summary" and e["pingsPerSecond"])
        return ([*self.command, "connect", "--count", str(scale["connects"]), *common],
                lambda e: e.get("event") == "connect-summary" and e["connectionsPerSecond"])


class Listener:
    def __init__(self, implementation, folder):
        command, address_of = implementation.listen(folder)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            event = json.loads(line)
            if event.get("event") == "ready":
                self.address = address_of(event)
                # What it goes on saying is read away: a full pipe would stop it.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        raise RuntimeError(f"{implementation.name}: the listener did not start: {' '.join(command)}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def run_job(implementation, metric, address, scale):
    command, value_of = implementation.job(metric, address, scale)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=CLIENT_TIMEOUT_SECONDS + 20)
    for line in done.stdout.splitlines():
        value = line.startswith("{") and value_of(json.loads(line))
        if value:
            return value
    print(f"  {implementation.name} {metric}: exit {done.returncode}: {done.stderr.strip()[-200:]}", file=sys.stderr)
    return None


def pairs_of(implementations):
    """Each with itself, then Starling with each other in both roles."""
    pairs = [(each, each) for each in implementations]
    ours = implementations[0]
    for other in implementations[1:]:
        pairs += [(ours, other), (other, ours)]
    return pairs


def measure(pairs, scale, rounds, folder):
    """{(dialer, listener): {metric: [values]}}, rounds outermost so that a noisy minute hits everybody."""
    results = {(d.name, l.name): {metric: [] for metric in METRICS} for d, l in pairs}
    for number in range(rounds):
        for dialer, listener in pairs:
            server = Listener(listener, folder)
            try:
                for metric in METRICS:
                    value = run_job(dialer, metric, server.address, scale)
                    if value is not None:
                        results[(dialer.name, listener.name)][metric].append(value)
            finally:
                server.stop()
            print(f"  round {number + 1}/{rounds}  {dialer.name} > {listener.name}", file=sys.stderr)
    return results


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def idle_memory(build, count, folder):
    """KiB of our listener per idle connection: a process that opens `count` connections and lets them be."""
    holder = build / "bin" / "idle_connections"
    if not holder.exists():
        return None
    server = Listener(Starling(build), folder)
    try:
        before = resident_kib(server.process.pid)
        client = subprocess.Popen([str(holder), server.address, str(count)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        if client.stdout.readline().strip() != "ready":
            return None
        time.sleep(2)  # identify ends, buffers go back
        after = resident_kib(server.process.pid)
        client.stdin.close()
        client.wait(30)
        return (after - before) / count
    finally:
        server.stop()


def machine_limits(build):
    program = build / "bin" / "machine_limits"
    if not program.exists():
        return {}
    return json.loads(subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout)


class CongestionControl:
    """cubic for everybody: with bbr the loopback results have two humps. Put back afterwards."""
    path = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")

    def __enter__(self):
        self.before = self.path.read_text().strip()
        try:
            self.path.write_text("cubic")
        except OSError:
            pass
        return self.path.read_text().strip()

    def __exit__(self, *_):
        try:
            self.path.write_text(self.before)
        except OSError:
            pass


def table(results, names, limits, idle, control):
    median = {pair: {m: statistics.median(v) if v else None for m, v in metrics.items()} for pair, metrics in results.items()}
    lines = ["| pair (dialer > listener) | " + " | ".join(METRICS.values()) + " |", "|---|" + "---:|" * len(METRICS)]
    for (dialer, listener), metrics in median.items():
        cells = [f"{metrics[m]:,.0f}" if metrics[m] else "-" for m in METRICS]
        lines.append(f"| {dialer} > {listener} | " + " | ".join(cells) + " |")
    best = {}
    for metric in METRICS:
        others = [median[(n, n)][metric] for n in names[1:] if median[(n, n)][metric]]
        ours = median[(names[0], names[0])][metric]
        best[metric] = ours / max(others) if others and ours else None
    lines.append("| **starling : best other** | " + " | ".join(f"**{best[m]:.2f}**" if best[m] else "-" for m in METRICS) + " |")
    lines.append("")
    for key, value in limits.items():
        lines.append(f"- limit of the machine: {key} {value:,.0f}")
    if idle is not None:
        lines.append(f"- our listener per idle connection: {idle:.1f} KiB resident")
    lines.append(f"- congestion control {control}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    return "\n".join(lines), best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="go,rust,js")
    parser.add_argument("--size", default="512MiB")
    parser.add_argument("--pings", type=int, default=20000)
    parser.add_argument("--connects", type=int, default=500)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    known = {"go": Foreign("go", [str(INTEROP / "go" / "gopeer")]),
             "rust": Foreign("rust", [str(INTEROP / "rust" / "target" / "release" / "rustpeer")]),
             "js": Foreign("js", ["node", str(INTEROP / "js" / "peer.mjs")])}
    implementations = [Starling(arguments.build)]
    if not implementations[0].available():
        sys.exit(f"no {implementations[0].program}: run ./dev build first")
    for name in filter(None, arguments.peers.split(",")):
        if known[name].available():
            implementations.append(known[name])
        else:
            print(f"bench: {name} is not built (tests/interop/build.sh {name}); left out", file=sys.stderr)
    scale = {"bytes": parse_size(arguments.size), "pings": arguments.pings, "connects": arguments.connects}
    with CongestionControl() as control, tempfile.TemporaryDirectory() as folder:
        limits = machine_limits(arguments.build)
        idle = idle_memory(arguments.build, arguments.idle, folder)
        results = measure(pairs_of(implementations), scale, arguments.rounds, folder)
    text, best = table(results, [each.name for each in implementations], limits, idle, control)
    print(text)
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(text + "\n")
    if arguments.json:
        plain = {f"{d}>{l}": metrics for (d, l), metrics in results.items()}
        pathlib.Path(arguments.json).write_text(json.dumps({"results": plain, "limits": limits, "idle_kib": idle, "ratios": best}, indent=1))


main()
