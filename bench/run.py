#!/usr/bin/env python3
"""Starling beside go, rust and js libp2p, in one run on one machine, as ratios, and beside the machine's own limits.

    ./dev bench                 builds all that is needed and prints the table (about 25 minutes, as root on a quiet machine)
    ./dev bench --quick         four minutes: proves that everything runs
    ./dev bench --before FILE   also says whether the run whose --json is FILE had the same order
    ./dev bench --write         also writes docs/performance.md, its plots, and the values as JSON and CSV beside them
    bench/run.py --jobs 'requests' --stacks tcp+noise --peers go --rounds 5 --no-limits --no-memory --no-links

How each figure comes about: docs/performance.md, "How it is measured" (bench/page.py).
"""
import argparse
import collections
import dataclasses
import json
import pathlib
import re
import shlex
import sys
import time

import jobs
import links
import memory
import page
import plots
import report
import system
from figures import Value, agreement, collect
from metrics import GROUPS, QUIC, STACKS, TCP_NOISE
from peers import Failed, Listener, Stack, peers_of
from progress import Progress

ROOT = pathlib.Path(__file__).resolve().parent.parent
INTEROP = ROOT / "build" / "interop"
MEMORY_STACKS = (TCP_NOISE, QUIC)
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured. Rounds of the jobs; their seconds; connections that are held; the links."""
    rounds: int
    seconds: float
    connections: tuple
    patience: float  # seconds for them to come about
    connects: int
    link_rounds: int
    lossy_bytes: int


FULL = Plan(rounds=3, seconds=1.0, connections=(1000, 10000), patience=40, connects=10, link_rounds=3, lossy_bytes=2 * MIB)
QUICK = Plan(rounds=1, seconds=0.3, connections=(1000,), patience=8, connects=3, link_rounds=1, lossy_bytes=MIB // 2)


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--rounds", type=int, help=f"rounds of the jobs over loopback ({FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"how long each job measures ({FULL.seconds})")
    parser.add_argument("--stacks", default=",".join(STACKS), help="(%(default)s)")
    parser.add_argument("--peers", default="go,rust,js", help="whom to compare with (%(default)s)")
    parser.add_argument("--jobs", default="", metavar="REGEX", help=f"only jobs that match, of: {'; '.join(jobs.JOBS)}")
    parser.add_argument("--mixed", action="store_true", help="also Starling with each other, in both roles")
    parser.add_argument("--pin", action="store_true", help="each side on one core; unfair to runtimes with several threads")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of Starling's: runtime.reactors=2")
    for part, about in (("limits", "limits of the machine"), ("memory", "memory of connections"), ("links", "jobs on emulated links")):
        parser.add_argument(f"--no-{part}", action="store_true", help=f"leave out the {about}")
    parser.add_argument("--before", type=pathlib.Path, metavar="FILE", help="the --json of a run before: says whether both agree on the order")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and what belongs to it")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="the same to another place")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="every value, the limits, what it ran on")
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="every value")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", metavar="DIR")
    parser.add_argument("--interop", type=pathlib.Path, default=INTEROP, metavar="DIR", help="where the other peers are built")
    return parser.parse_args()


def plan_of(arguments):
    plan = QUICK if arguments.quick else FULL
    return dataclasses.replace(plan, rounds=arguments.rounds or plan.rounds, seconds=arguments.seconds or plan.seconds)


def chosen_peers(arguments):
    ours, *others = peers_of(arguments.build, arguments.interop, arguments.set)
    if not ours.available():
        sys.exit(f"bench: no {ours.command[0]}: run ./dev build release --target benchmarks first")
    wanted = arguments.peers.split(",")
    for peer in others:
        if peer.name in wanted and not peer.available():
            print(f"bench: {peer.name} is not built (tests/interop/build.sh {peer.name}); left out", file=sys.stderr)
    return [ours, *(peer for peer in others if peer.name in wanted and peer.available())]


def versions_of(peers, stack):
    """What each program says it is made of; also shows that each one starts."""
    found = {}
    for peer in peers:
        try:
            with Listener(peer, stack) as listener:
                found[peer.name] = listener.versions
        except Failed:
            found[peer.name] = {}
    return found


class Bench:
    """One whole run."""

    def __init__(self, arguments):
        self.arguments, self.plan = arguments, plan_of(arguments)
        self.peers = chosen_peers(arguments)
        self.stacks = [Stack(name) for name in arguments.stacks.split(",")]
        self.memory_stacks = [stack for stack in self.stacks if stack.name in MEMORY_STACKS]
        self.jobs = [name for name in jobs.JOBS if re.search(arguments.jobs, name)]
        self.pairs = jobs.pairs_of(self.peers, arguments.mixed)
        if arguments.pin:
            self.pairs = [(dialer.placed(system.pinned(1)), listener.placed(system.pinned(0)), name) for dialer, listener, name in self.pairs]
        self.with_links = not arguments.no_links and self.links_are_there()
        self.values, self.limits, self.settings, self.versions = [], {}, {}, {}
        self.progress = Progress(self.steps())

    def links_are_there(self):
        lacking = links.lacking()
        if lacking:
            print(f"bench: no emulated links: {lacking}", file=sys.stderr)
        return lacking is None

    def steps(self):
        """How many for whom."""
        plan, count = self.plan, collections.Counter()
        for _, _, name in self.pairs:
            count[name] += plan.rounds * len(self.stacks) * len(self.jobs)
        for peer in self.peers:
            count[peer.name] += 0 if self.arguments.no_memory else len(self.memory_stacks)
            count[peer.name] += plan.link_rounds * len(self.stacks) if self.with_links else 0
        count["all"] = plan.link_rounds * len(self.stacks) if self.with_links else 0
        return count

    def measure(self):
        complain, plan = self.progress.complain, self.plan
        descriptors = system.raise_descriptors()
        with system.settings(complain) as in_force:
            self.settings = in_force | {"descriptors": str(descriptors)}
            self.versions = versions_of(self.peers, self.stacks[0])
            self.look_at_limits()
            comparison = jobs.Comparison(self.values, jobs.Scale(plan.seconds), complain)
            jobs.compare(comparison, self.pairs, self.stacks, plan.rounds, self.jobs, self.progress)
            self.look_at_limits()
            if not self.arguments.no_memory:
                memory.measure(self.peers, self.memory_stacks, plan.connections, plan.patience, self.values, complain, self.progress)
            if self.with_links:
                common = (self.values, complain, self.progress)
                links.measure_trips(self.peers, self.stacks, plan.connects, plan.link_rounds, *common)
                links.measure_lossy(self.peers, self.stacks, plan.lossy_bytes, plan.link_rounds, *common)

    def look_at_limits(self):
        """Twice, before and after the jobs: what the machine could do at best counts."""
        if not self.arguments.no_limits:
            found = system.limits(self.arguments.build)
            self.limits = {name: max(value, self.limits.get(name, 0)) for name, value in found.items()}


def write_page(path, figures, bench, machine, seconds, order):
    """The page, and its plots and values in a folder of its name."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for group in GROUPS:
        if picture := plots.plot(figures, group):
            (folder / f"{group}.svg").write_text(picture)
            drawn[report.GROUP_TITLES[group]] = f"{folder.name}/{group}.svg"
    arguments = [pathlib.Path(each).name if each.startswith("/") else each for each in sys.argv[1:]]
    command = shlex.join(["./dev", "bench", *arguments])
    path.write_text(page.markdown(figures, bench.limits, drawn, command, seconds, machine, bench.settings, bench.versions, order))
    (folder / "values.csv").write_text(report.csv_text(bench.values))
    (folder / "values.json").write_text(json_text(bench, machine))


def json_text(bench, machine):
    everything = {"machine": machine, "settings": bench.settings, "versions": bench.versions, "limits": bench.limits,
                  "values": [dataclasses.asdict(value) for value in bench.values]}
    return json.dumps(everything, indent=1) + "\n"


def order_text(before, figures):
    values = [Value(**each) for each in json.loads(before.read_text())["values"]]
    return report.agreement_text(agreement(collect(values), figures))


def main():
    arguments = arguments_of()
    machine = system.description(ROOT)
    bench, start = Bench(arguments), time.monotonic()
    try:
        bench.measure()
    except KeyboardInterrupt:
        print("bench: interrupted; what was measured until now:", file=sys.stderr)
    seconds, figures = time.monotonic() - start, collect(bench.values)
    print(report.terminal(figures, bench.limits))
    print(f"{seconds / 60:.1f} minutes; load before {machine['load']}; {', '.join(f'{k} {v}' for k, v in bench.settings.items())}")
    order = order_text(arguments.before, figures) if arguments.before else ""
    print(order)
    if arguments.json:
        arguments.json.write_text(json_text(bench, machine))
    if arguments.csv:
        arguments.csv.write_text(report.csv_text(bench.values))
    for path in filter(None, (ROOT / "docs" / "performance.md" if arguments.write else None, arguments.markdown)):
        write_page(path, figures, bench, machine, seconds, order)


if __name__ == "__main__":
    main()
