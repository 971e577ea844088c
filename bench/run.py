#!/usr/bin/env python3
"""Starling beside go, rust and js libp2p, in one run on one machine, as ratios.

Every pair runs the same jobs (perf up and down, pings one after the other, new connections) as two processes over
loopback, for each stack. Rounds are interleaved, the median counts. A ratio above 1 means better than the best of the
others. The machine's own limits (raw TCP, AEAD) are measured in the same run.

    bench/run.py [--rounds 3] [--stacks tcp+noise,tcp+tls,quic-v1] [--peers go,rust,js] [--size 512MiB] [--pings 20000]
                 [--connects 500] [--idle 1000] [--no-mixed] [--json FILE] [--markdown FILE]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from implementations import Foreign, Job, Listener, Stack, Starling, idle_memory

ROOT = pathlib.Path(__file__).resolve().parent.parent
INTEROP = ROOT / "build" / "interop"
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
JOBS = ("up", "down", "pings", "connects")
# name: heading, whether more is better
METRICS = {"up": ("upload MiB/s", True), "down": ("download MiB/s", True),
           "cpu_up": ("CPU s/GiB up", False), "cpu_down": ("CPU s/GiB down", False),
           "pings": ("pings/s", True), "connects": ("connections/s", True)}


def parse_size(text):
    for unit, factor in SIZES.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


def pairs_of(implementations, mixed):
    """Each with itself, then Starling with each other in both roles."""
    pairs = [(each, each) for each in implementations]
    ours = implementations[0]
    for other in implementations[1:] if mixed else []:
        pairs += [(ours, other), (other, ours)]
    return pairs


def run_pair(dialer, listener, stack, scale, folder, results):
    server = Listener(listener, folder, stack)
    try:
        for metric in JOBS:
            job = Job(dialer, metric, server, scale, stack)
            if job.value is None:
                continue
            results[metric].append(job.value)
            if metric in ("up", "down"):
                results["cpu_" + metric].append((job.client_cpu + job.server_cpu) * 2**30 / scale["bytes"])
    finally:
        server.stop()


def measure(pairs, stacks, scale, rounds, folder):
    """{stack: {(dialer, listener): {metric: [values]}}}, rounds outermost so that a noisy minute hits everybody."""
    results = {s.name: {(d.name, l.name): {metric: [] for metric in METRICS} for d, l in pairs} for s in stacks}
    for number in range(rounds):
        for stack in stacks:
            for dialer, listener in pairs:
                try:
                    run_pair(dialer, listener, stack, scale, folder, results[stack.name][dialer.name, listener.name])
                except RuntimeError as problem:
                    print(f"  {problem}; left out", file=sys.stderr)
                print(f"  round {number + 1}/{rounds}  {stack.name}  {dialer.name} > {listener.name}", file=sys.stderr)
    return results


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


def best_ratios(median, names):
    """How Starling with itself compares with the best of the others with themselves; above 1 is better."""
    best = {}
    for metric, (_, more_is_better) in METRICS.items():
        others = [median[n, n][metric] for n in names[1:] if median[n, n][metric]]
        ours = median[names[0], names[0]][metric]
        if not others or not ours:
            best[metric] = None
        else:
            best[metric] = ours / max(others) if more_is_better else min(others) / ours
    return best


def cell(values):
    """The median, with the spread when there is one."""
    if not values:
        return "-"
    middle, form = statistics.median(values), ",.2f" if max(values) < 100 else ",.0f"
    spread = f" ({min(values):{form}}–{max(values):{form}})" if len(values) > 1 else ""
    return f"{middle:{form}}{spread}"


def stack_table(name, results, names):
    lines = [f"### {name}", "", "| dialer > listener | " + " | ".join(heading for heading, _ in METRICS.values()) + " |",
             "|---|" + "---:|" * len(METRICS)]
    for (dialer, listener), metrics in results.items():
        lines.append(f"| {dialer} > {listener} | " + " | ".join(cell(metrics[m]) for m in METRICS) + " |")
    median = {pair: {m: statistics.median(v) if v else None for m, v in metrics.items()} for pair, metrics in results.items()}
    best = best_ratios(median, names)
    lines.append("| **starling to the best other** | " + " | ".join(f"**{best[m]:.2f}**" if best[m] else "-" for m in METRICS) + " |")
    return lines + [""], best


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stacks", default="tcp+noise,tcp+tls,quic-v1")
    parser.add_argument("--peers", default="go,rust,js")
    parser.add_argument("--size", default="512MiB")
    parser.add_argument("--pings", type=int, default=20000)
    parser.add_argument("--connects", type=int, default=500)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--no-mixed", action="store_true", help="each implementation with itself only")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--interop", type=pathlib.Path, default=INTEROP, help="where the other peers are built")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    return parser.parse_args()


def implementations_of(arguments):
    folder = arguments.interop
    known = {"go": Foreign("go", [str(folder / "go" / "gopeer")]),
             "rust": Foreign("rust", [str(folder / "rust" / "target" / "release" / "rustpeer")]),
             "js": Foreign("js", ["node", str(folder / "js" / "peer.mjs")])}
    all_of_them = [Starling(arguments.build)]
    if not all_of_them[0].available():
        sys.exit(f"no {all_of_them[0].program}: run ./dev build first")
    for name in filter(None, arguments.peers.split(",")):
        if known[name].available():
            all_of_them.append(known[name])
        else:
            print(f"bench: {name} is not built (tests/interop/build.sh {name}); left out", file=sys.stderr)
    return all_of_them


def main():
    arguments = arguments_of()
    implementations = implementations_of(arguments)
    stacks = [Stack(name) for name in arguments.stacks.split(",")]
    scale = {"bytes": parse_size(arguments.size), "pings": arguments.pings, "connects": arguments.connects}
    load = os.getloadavg()[0]
    with CongestionControl() as control, tempfile.TemporaryDirectory() as folder:
        limits = machine_limits(arguments.build)
        idle = {s.name: idle_memory(implementations[0], arguments.idle, folder, s) for s in stacks} if arguments.idle else {}
        results = measure(pairs_of(implementations, not arguments.no_mixed), stacks, scale, arguments.rounds, folder)
    lines, best = [], {}
    for stack in stacks:
        table, best[stack.name] = stack_table(stack.name, results[stack.name], [each.name for each in implementations])
        lines += table
    lines += [f"- limit of the machine: {key} {value:,.0f}" for key, value in limits.items()]
    for name, measured in idle.items():
        if measured:
            lines.append(f"- {name}: {arguments.idle:,} idle connections cost our listener {measured[0]:.1f} KiB resident each; "
                         f"meanwhile it answered {measured[1] or 0:,.0f} pings/s")
    lines.append(f"- congestion control {control}, {os.cpu_count()} cores, load before {load:.1f}")
    print("\n".join(lines))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text("\n".join(lines) + "\n")
    if arguments.json:
        plain = {s: {f"{d}>{l}": metrics for (d, l), metrics in pairs.items()} for s, pairs in results.items()}
        pathlib.Path(arguments.json).write_text(json.dumps({"results": plain, "limits": limits, "idle": idle, "ratios": best}, indent=1))


main()
