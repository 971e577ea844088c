#!/usr/bin/env python3
"""Plays the transport suite of libp2p/unified-testing without containers.

Each test has a redis-server, a listener and a dialer of its own, with the
environment, redis keys and output of the official suite. In network namespaces
where they are permitted, else on loopback. See README.md.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.append(str(HERE.parent))

from network import Loopback, Namespaces  # noqa: E402
from resp import Redis  # noqa: E402
from runner import materials  # noqa: E402

# These transports bring their own security and muxer.
STANDALONE = {"quic-v1", "webtransport", "webrtc", "webrtc-direct"}

# The official harness greps the dialer's output with this pattern.
RESULT_LINE = re.compile(r"^(latency:|  (handshake_plus_one_rtt|ping_rtt|unit):.*)$")
RESULTS = ("handshake_plus_one_rtt", "ping_rtt")
TERMINATED = (143, -15)  # counts as success when the result is complete


def dialect(impl):
    return impl.get("dialect", "modern")


def matrix(impls, options):
    """Every official test name with what it consists of."""
    for dialer, d in impls.items():
        for listener, l in impls.items():
            for transport in d["transports"]:
                if transport not in l["transports"] or transport in l.get("dialOnly", []):
                    continue
                for security, muxer in stacks(d, l, transport):
                    parts = ", ".join(part for part in (transport, security, muxer) if part)
                    name = f"{dialer} x {listener} ({parts})"
                    if re.search(options.select, name) and not (options.ignore and re.search(options.ignore, name)):
                        yield {"name": name, "dialer": dialer, "listener": listener,
                               "transport": transport, "secureChannel": security, "muxer": muxer}


def stacks(dialer, listener, transport):
    if transport in STANDALONE:
        return [(None, None)]
    return [(security, muxer) for security in dialer["secureChannels"] if security in listener["secureChannels"]
            for muxer in dialer["muxers"] if muxer in listener["muxers"]]


def environment(impl, role, redis, key, test, listener_ip, timeout):
    is_dialer = "true" if role == "dialer" else "false"
    if dialect(impl) == "modern":
        env = {"IS_DIALER": is_dialer, "REDIS_ADDR": redis, "TEST_KEY": key, "TRANSPORT": test["transport"],
               "LISTENER_IP": listener_ip, "DEBUG": "false", "TEST_TIMEOUT_SECS": str(timeout)}
        if test["secureChannel"]:
            env.update(SECURE_CHANNEL=test["secureChannel"], MUXER=test["muxer"])
    else:
        env = {"is_dialer": is_dialer, "redis_addr": redis, "transport": test["transport"],
               "ip": listener_ip, "test_timeout_seconds": str(timeout)}
        if test["secureChannel"]:
            env.update(security=test["secureChannel"], muxer=test["muxer"])
    return {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **env}


def parse_result(impl, output):
    """The measured times, from the output of the dialer."""
    found = {}
    if dialect(impl) == "legacy":
        for line in output.splitlines():
            if line.strip().startswith("{"):
                legacy = json.loads(line)
                found = {"handshake_plus_one_rtt": legacy["handshakePlusOneRTTMillis"], "ping_rtt": legacy["pingRTTMilllis"]}
        return found
    for line in output.splitlines():
        if RESULT_LINE.match(line) and line.startswith("  "):
            name, value = line.strip().split(": ", 1)
            found[name] = value if name == "unit" else float(value)
    return found


class Test:
    """One run of one test."""

    def __init__(self, test, worker, net, impls, options):
        self.test = test
        self.worker = worker
        self.net = net
        self.options = options
        self.listener = impls[test["listener"]]
        self.dialer = impls[test["dialer"]]
        self.key = hashlib.sha256(test["name"].encode()).hexdigest()[:8]
        self.log_name = re.sub(r"[^A-Za-z0-9-]+", "_", test["name"])
        self.processes = []

    def run(self):
        start = time.monotonic()
        code, output, note = 1, "", ""
        try:
            code, output, note = self.play()
        except (OSError, RuntimeError) as cause:
            note = str(cause)
        finally:
            self.stop_all()
        found = parse_result(self.dialer, output)
        complete = all(name in found for name in RESULTS)
        if code in TERMINATED and complete:
            code = 0
        if code == 0 and not complete:
            code, note = 1, "the dialer printed no result"
        return {**self.test, "status": "pass" if code == 0 else "fail", "exit": code, "note": note,
                "duration": round(time.monotonic() - start, 1), **{name: found.get(name) for name in RESULTS}}

    def play(self):
        address = self.net.redis_address(self.worker)
        self.spawn("redis", ["redis-server", "--bind", address[0], "--port", str(address[1]), "--protected-mode", "no",
                             "--save", "", "--appendonly", "no", "--dir", str(self.options.out)], dict(os.environ))
        self.wait_for_redis(address)
        if dialect(self.listener) != dialect(self.dialer):
            self.translate(address)
        redis = f"{address[0]}:{address[1]}"
        self.spawn("listener", self.command(self.listener), self.environment(self.listener, "listener", redis))
        dialer = self.spawn("dialer", self.command(self.dialer), self.environment(self.dialer, "dialer", redis), subprocess.PIPE)
        try:
            output, _ = dialer.communicate(timeout=self.options.timeout)
            return dialer.returncode, output.decode(errors="replace"), ""
        except subprocess.TimeoutExpired:
            os.killpg(dialer.pid, signal.SIGKILL)
            return 124, dialer.communicate()[0].decode(errors="replace"), "timed out"

    def command(self, impl):
        """The foreign peers have no certificate of their own for wss."""
        return [part.replace("{tls}", str(self.options.out)) for part in impl["cmd"]]

    def environment(self, impl, role, redis):
        return environment(impl, role, redis, self.key, self.test, self.net.listener_ip, self.options.timeout)

    def spawn(self, role, command, env, stdout=None):
        log = open(self.options.out / "logs" / f"{self.log_name}.{role}.log", "wb")
        process = subprocess.Popen(
            self.net.command(role, self.worker, command), env=env, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=stdout or log, stderr=log, start_new_session=True)
        log.close()
        self.processes.append(process)
        return process

    def wait_for_redis(self, address):
        for _ in range(100):
            try:
                if Redis(self.net.connect(self.worker, address)).command("PING") == "PONG":
                    return
            except (OSError, RuntimeError):
                pass
            time.sleep(0.05)
        raise RuntimeError("redis-server did not get ready")

    def translate(self, address):
        """Old and new programs name the key differently; this hands it over."""
        modern = f"{self.key}_listener_multiaddr"
        source, target = ("listenerAddr", modern) if dialect(self.listener) == "legacy" else (modern, "listenerAddr")
        redis = Redis(self.net.connect(self.worker, address))

        def hand_over():
            try:
                found = redis.command("BLPOP", source, self.options.timeout)
                if found:
                    redis.command("RPUSH", target, found[1])
            except (OSError, RuntimeError):
                pass  # the test is over

        threading.Thread(target=hand_over, daemon=True).start()

    def stop_all(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def run_all(tests, impls, options, net):
    free, lock, results = list(range(options.workers)), threading.Lock(), []

    def one(test):
        with lock:
            worker = free.pop()
        try:
            result = Test(test, worker, net, impls, options).run()
        finally:
            with lock:
                free.append(worker)
        times = "  ".join(f"{name} {result[name]}" for name in RESULTS)
        print(f"[{result['status']}] {result['name']:40} {times}  {result['duration']} s {result['note']}", flush=True)
        return result

    try:
        net.up()
        with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
            results = list(pool.map(one, tests))
    finally:
        net.down()
    return results


def write_yaml(path, results):
    """results.yaml in the form of the official suite."""
    passed = sum(r["status"] == "pass" for r in results)
    lines = ["summary:", f"  total: {len(results)}", f"  passed: {passed}", f"  failed: {len(results) - passed}", "tests:"]
    for r in results:
        lines.append(f"  - name: {r['name']}")
        for field in ("dialer", "listener", "transport", "secureChannel", "muxer", "status"):
            lines.append(f"    {field}: {r[field] or 'null'}")
        lines.append(f"    duration: {r['duration']}s")
        if r["ping_rtt"] is not None:
            lines += ["    latency:", *(f"      {name}: {r[name]}" for name in RESULTS), "      unit: ms"]
    path.write_text("\n".join(lines) + "\n")


def print_table(results, impls):
    print("\n| dialer \\ listener | " + " | ".join(impls) + " |")
    print("|---" * (len(impls) + 1) + "|")
    for dialer in impls:
        cells = []
        for listener in impls:
            ours = [r for r in results if (r["dialer"], r["listener"]) == (dialer, listener)]
            cells.append(f"{sum(r['status'] == 'pass' for r in ours)}/{len(ours)}" if ours else "-")
        print(f"| {dialer} | " + " | ".join(cells) + " |")


def available(impls):
    """The implementations whose programs are here; one line for each that is not."""
    found = {}
    for name, impl in impls.items():
        program = [part for part in impl["cmd"] if "/" in part and "{" not in part]
        lacking = next((part for part in program if not (ROOT / part).exists()), None)
        if lacking is None and shutil.which(impl["cmd"][0], path=os.environ["PATH"] + os.pathsep + str(ROOT)) is None \
                and "/" not in impl["cmd"][0]:
            lacking = impl["cmd"][0]
        if lacking:
            print(f"official: {name} skipped: {lacking} is not here")
        else:
            found[name] = {**impl, "cmd": [str(ROOT / part) if part in program else part for part in impl["cmd"]]}
    return found


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--impls", type=pathlib.Path, default=HERE / "impls.json", help="who takes part (%(default)s)")
    parser.add_argument("--select", default="", metavar="REGEX", help="official test names to run")
    parser.add_argument("--ignore", default="", metavar="REGEX", help="official test names to leave out")
    parser.add_argument("--workers", type=int, default=1, help="tests at the same time (%(default)s)")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for one test (%(default)s)")
    parser.add_argument("--net", choices=("auto", "namespaces", "loopback"), default="auto")
    parser.add_argument("--out", type=pathlib.Path, help="results and logs (a new folder)")
    parser.add_argument("--list", action="store_true", help="print the official test names and leave")
    return parser.parse_args()


def main():
    options = parse()
    if shutil.which("redis-server") is None:
        print("official: skipped: redis-server is not installed")
        return 0
    impls = available(json.loads(options.impls.read_text()))
    tests = list(matrix(impls, options))
    if options.list:
        print(*(test["name"] for test in tests), sep="\n")
        return 0
    options.out = (options.out or pathlib.Path(tempfile.mkdtemp(prefix="starling-official-"))).resolve()
    (options.out / "logs").mkdir(parents=True, exist_ok=True)
    materials.make(options.out)
    spaces = options.net == "namespaces" or (options.net == "auto" and Namespaces.permitted())
    net = (Namespaces if spaces else Loopback)(options.workers, f"st{os.getpid()}")
    print(f"official: {len(tests)} tests, {'network namespaces' if spaces else 'loopback'}, results in {options.out}")
    results = run_all(tests, impls, options, net)
    write_yaml(options.out / "results.yaml", results)
    print_table(results, impls)
    return 0 if results and all(r["status"] == "pass" for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
