#!/usr/bin/env python3
"""Interop as real processes: prints a matrix of dialer x listener x security x muxer.

Starling against js-libp2p, go-libp2p and rust-libp2p, in both directions; with
--self the foreign peers among themselves as well, which proves the peers and the
runner. Ends with 1 if any cell is not what it should be. See README.md.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from runner import checks, garbage
from runner.peers import KEY_TYPES, SECURITIES, Failed, Starling, foreign_peers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILT = ROOT / "build" / "interop"

Stack = collections.namedtuple("Stack", "security muxer")
Stack.__str__ = lambda stack: f"{stack.security}/{stack.muxer}"

MUXERS = ("yamux", "mplex")
QUICK_STACKS = {Stack("noise", "yamux"), Stack("tls", "yamux")}
KEY_STACKS = [Stack("noise", "yamux"), Stack("tls", "yamux")]

ORDER = ("starling", "js", "go", "rust", "garbage")  # of the rows
LEGACY_RECORD = "legacy-record"

# Cells that fail by a known defect of others: pattern of the cell -> why.
KNOWN = {}

Cell = collections.namedtuple("Cell", "dialer listener stack test")
Cell.__str__ = lambda cell: f"{cell.dialer}>{cell.listener} {cell.stack} {cell.test}"

Outcome = collections.namedtuple("Outcome", "status detail seconds")


class Group:
    """Cells that share one running listener."""

    def __init__(self, listener, stack, key_type, cells, flags=()):
        self.listener = listener
        self.flags = flags
        self.stack = stack
        self.key_type = key_type
        self.cells = cells


class Runner:
    def __init__(self, options, peers, work):
        self.options = options
        self.peers = peers
        self.work = work
        self.outcomes = {}
        self.lock = threading.Lock()

    def plan(self):
        groups = []
        for listener in self.peers.values():
            for security in SECURITIES:
                for muxer in MUXERS:
                    self.plan_stack(groups, listener, Stack(security, muxer))
            for stack in KEY_STACKS:
                for key_type in KEY_TYPES:
                    self.plan_keys(groups, listener, stack, key_type)
        self.plan_legacy_record(groups)
        return [group for group in groups if group.cells]

    def dialers(self, listener, stack):
        for dialer in self.peers.values():
            own = "starling" in (dialer.name, listener.name)
            if (own or self.options.foreign) and stack.muxer in dialer.muxers:
                yield dialer

    def plan_stack(self, groups, listener, stack):
        if stack.muxer not in listener.muxers or (self.options.quick and stack not in QUICK_STACKS):
            return
        cells = [Cell(dialer.name, listener.name, stack, test)
                 for dialer in self.dialers(listener, stack) for test in checks.STACK_CHECKS]
        if listener.name == "starling" or self.options.foreign:
            cells.append(Cell("garbage", listener.name, stack, "garbage"))
        groups.append(Group(listener, stack, None, self.selected(cells)))

    def plan_keys(self, groups, listener, stack, key_type):
        if key_type not in listener.key_types:
            return
        cells = [Cell(dialer.name, listener.name, stack, key_type)
                 for dialer in self.dialers(listener, stack) if key_type in dialer.key_types]
        groups.append(Group(listener, stack, key_type, self.selected(cells)))

    def plan_legacy_record(self, groups):
        if "starling" not in self.peers or "rust" not in self.peers:
            return
        cell = Cell("starling", "rust", Stack("noise", "yamux"), LEGACY_RECORD)
        groups.append(Group(self.peers["rust"], cell.stack, None, self.selected([cell]), ["--signed-record"]))

    def selected(self, cells):
        return [cell for cell in cells if re.search(self.options.only, str(cell))]

    def run(self, groups):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in [pool.submit(self.run_group, group) for group in groups]:
                result.result()

    def log_path(self, group):
        suffix = f"-{group.key_type}" if group.key_type else ""
        return self.work / f"{group.listener.name}-{group.stack.security}-{group.stack.muxer}{suffix}.log"

    def run_group(self, group):
        log = self.log_path(group)
        try:
            listener = group.listener.listen(group.stack, group.key_type, self.work, log, *group.flags)
        except Exception as cause:
            for cell in group.cells:
                self.record(cell, Outcome("FAIL", f"listener: {cause}", 0))
            return
        try:
            for cell in group.cells:
                self.record(cell, self.run_cell(cell, listener, group))
        finally:
            code = listener.process.stop()
        if code != 0:
            last = group.cells[-1]
            self.record(last._replace(test=f"{last.test} (end)"), Outcome(
                "FAIL", f"the listener ended with exit code {'none, was killed' if code is None else code}", 0))

    def run_cell(self, cell, listener, group):
        start = time.monotonic()
        try:
            if not listener.process.alive():
                raise Failed("the listener is gone")
            detail = self.check(cell, listener, group)
            status = "ok"
        except Exception as cause:  # an answer in an unexpected form is a red cell, not the end of the run
            detail = str(cause) if isinstance(cause, Failed) else f"{type(cause).__name__}: {cause}"
            status = "known" if self.known(cell) else "FAIL"
        return Outcome(status, detail, time.monotonic() - start)

    def check(self, cell, listener, group):
        client_log = self.work / (re.sub(r"[^A-Za-z0-9]+", "-", str(cell)) + ".log")
        context = checks.Context(group.stack, self.work, client_log, self.options.quick)
        if cell.test == "garbage":
            return self.check_garbage(listener, group, context)
        dialer = self.peers[cell.dialer]
        if cell.test == LEGACY_RECORD:
            return checks.legacy_record(dialer, listener, context)
        if group.key_type:
            return checks.key_check(dialer, listener, context, group.key_type)
        return checks.STACK_CHECKS[cell.test](dialer, listener, context)

    def check_garbage(self, listener, group, context):
        """Garbage from many connections, some still open: a good client must be served."""
        victims, summary = garbage.attack(listener.address, group.stack)
        try:
            good = [p for p in self.peers.values() if group.stack.muxer in p.muxers]
            checks.ping(good[0], listener, context)
        finally:
            for victim in victims:
                victim.close()
        checks.ping(good[-1], listener, context)
        return summary

    def known(self, cell):
        return next((why for pattern, why in KNOWN.items() if re.search(pattern, str(cell))), None)

    def record(self, cell, outcome):
        with self.lock:
            self.outcomes[cell] = outcome
            if outcome.status != "ok" or self.options.verbose:
                print(f"{outcome.status:5} {cell}  {outcome.seconds:.1f} s  {outcome.detail or ''}", flush=True)


def place(cell):
    """Where a cell stands in the matrix, whatever order it ran in."""
    return (ORDER.index(cell.listener), ORDER.index(cell.dialer),
            SECURITIES.index(cell.stack.security), MUXERS.index(cell.stack.muxer))


def print_matrix(outcomes):
    """One row for each dialer, listener and stack; one column for each test."""
    rows = {}
    for cell in sorted(outcomes, key=place):
        rows.setdefault((cell.dialer, cell.listener, str(cell.stack)), {})[cell.test] = outcomes[cell]
    columns = [*checks.STACK_CHECKS, *KEY_TYPES, "garbage"]
    extra = {cell.test for cell in outcomes} - set(columns)
    columns = [c for c in columns if any(c in row for row in rows.values())] + sorted(extra)
    widths = [max(len(column), 5) for column in columns]
    header = " ".join(f"{column:>{width}}" for column, width in zip(columns, widths))
    print(f"\n{'dialer':9}{'listener':10}{'stack':17}{header}")
    for (dialer, listener, stack), row in rows.items():
        texts = [row[column].status if column in row else "-" for column in columns]
        line = " ".join(f"{text:>{width}}" for text, width in zip(texts, widths))
        print(f"{dialer:9}{listener:10}{stack:17}{line}")


def print_summary(outcomes, seconds, work):
    count = collections.Counter(outcome.status for outcome in outcomes.values())
    print(f"\n{count['ok']} ok, {count['FAIL']} failed, {count['known']} known defects of others, {seconds:.0f} s; logs in {work}")
    for cell, outcome in outcomes.items():
        if outcome.status == "FAIL":
            print(f"  FAIL {cell}: {outcome.detail}")


def write_json(path, outcomes):
    rows = [{**cell._asdict(), "stack": str(cell.stack), **outcome._asdict()} for cell, outcome in outcomes.items()]
    pathlib.Path(path).write_text(json.dumps(rows, indent=1) + "\n")


def choose_peers(options):
    peers = {}
    starling = Starling(options.starling)
    if starling.missing() is None:
        peers["starling"] = starling
    elif not options.foreign:
        sys.exit(f"interop: {starling.missing()}")
    else:
        print(f"interop: without starling: {starling.missing()}")
    known = foreign_peers(BUILT)
    for name in options.peers.split(","):
        if name not in known:
            sys.exit(f"interop: unknown peer {name!r}, known: {', '.join(known)}")
        reason = known[name].missing()
        if reason:
            print(f"interop: {name} skipped: {reason}")
        else:
            peers[name] = known[name]
    return peers


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="js,go,rust", help="foreign implementations, a comma list (%(default)s)")
    parser.add_argument("--only", default="", metavar="REGEX", help="cells, as in 'js>starling noise/yamux ping'")
    parser.add_argument("--quick", action="store_true", help="noise and tls over yamux only, smaller transfers")
    parser.add_argument("--self", dest="foreign", action="store_true", help="foreign peers among themselves, too")
    parser.add_argument("--json", metavar="FILE", help="write every cell there")
    parser.add_argument("--starling", type=pathlib.Path, default=ROOT / "build/release/bin/starling", metavar="PATH")
    parser.add_argument("--jobs", type=int, default=1, help="listeners served at the same time (%(default)s)")
    parser.add_argument("--no-build", action="store_true", help="take the foreign peers as they are")
    parser.add_argument("--logs", metavar="DIR", help="where to keep the logs (a new folder)")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every cell")
    parser.add_argument("--list", action="store_true", help="print the selected cells and leave")
    return parser.parse_args()


def main():
    options = parse()
    if not options.no_build and not options.list:
        built = subprocess.run([HERE / "build.sh", *options.peers.split(",")], check=False)
        if built.returncode != 0:
            sys.exit("interop: building the foreign peers failed")
    peers = choose_peers(options)
    work = pathlib.Path(options.logs or tempfile.mkdtemp(prefix="starling-interop-"))
    work.mkdir(parents=True, exist_ok=True)
    runner = Runner(options, peers, work)
    groups = runner.plan()
    total = sum(len(group.cells) for group in groups)
    if options.list:
        print(*(cell for group in groups for cell in group.cells), sep="\n")
        return 0
    if total == 0:
        sys.exit("interop: no cell is selected")
    print(f"interop: {total} cells with {', '.join(peers)}", flush=True)
    start = time.monotonic()
    runner.run(groups)
    print_matrix(runner.outcomes)
    print_summary(runner.outcomes, time.monotonic() - start, work)
    if options.json:
        write_json(options.json, runner.outcomes)
    return 1 if any(outcome.status == "FAIL" for outcome in runner.outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
