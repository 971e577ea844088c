#!/usr/bin/env python3
"""Interop as real processes: prints a matrix of dialer x listener x transport x security x muxer.

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

from runner import checks, garbage, materials, other_garbage, tls_attack
from runner.peers import KEY_TYPES, Failed, Starling, foreign_peers
from runner.stack import QUIC, TRANSPORTS, Stack, is_quick, stacks

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILT = ROOT / "build" / "interop"

KEY_STACKS = [Stack("tcp", "noise", "yamux"), Stack("tcp", "tls", "yamux"), QUIC]
CRASH_STACKS = [Stack("tcp", "noise", "yamux"), QUIC]
TLS_STACKS = [Stack("tcp", "tls", "yamux"), QUIC]
TLS_ATTACK = "tls-attack"

# Of these a quick run makes only the first tests over the transports that carry the same bytes as TCP.
QUICK_CHECKS = ("ping", "identify", "perf")

ORDER = ("starling", "js", "go", "rust", "garbage", TLS_ATTACK)  # of the rows
LEGACY_RECORD = "legacy-record"
LIBRARY_PING = "library-ping"

# Cells that fail by a known defect of others: the cell, what its failure says, why. Another failure of such a cell is
# one of ours. "Defects of others" in README.md has the places in their sources.
Known = collections.namedtuple("Known", "cell says why")
KNOWN = (
    Known(r"^js>\w+ quic-v1 reset", r"expected a reset", "js-libp2p over QUIC tells the reader of a reset stream that it ended"),
    Known(r"^starling>rust quic-v1 reset", r"ended for the reader, only the writer is told: StreamReset",
          "libp2p-quic has no reset: a stream that is dropped is finished, and reading from it stopped"),
    Known(r"^(go|js)>rust quic-v1 reset", r"expected a reset", "the same; go and js look at the reading side only"),
    Known(r">rust quic-v1 library-ping", r"Timeout",
          "libp2p-ping does not poll the future that waits for the second ping of a stream"),
    Known(r">(rust|js) quic-v1 rebind", r"^lost: .*([Tt]imeout|time-out|idle|connection lost)",
          "both set quinn up as a server that ignores a client's new address"),
    Known(r"^(js>\w+|\w+>js) (tcp|ws)\+pnet/noise/yamux perf", "",
          "js-libp2p's xsalsa20 runs out of WebAssembly memory in a long transfer"),
    Known(r"^garbage>js ws/", "", "js-libp2p ends with an uncaught exception when a WebSocket frame breaks the rules"),
)

Cell = collections.namedtuple("Cell", "dialer listener stack test")
Cell.__str__ = lambda cell: f"{cell.dialer}>{cell.listener} {cell.stack} {cell.test}"

Outcome = collections.namedtuple("Outcome", "status detail seconds")


def failure(cell, detail):
    """How a failed cell counts."""
    known = any(re.search(one.cell, str(cell)) and re.search(one.says, detail) for one in KNOWN)
    return "known" if known else "FAIL"


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
            for transport in TRANSPORTS:
                for stack in stacks(transport):
                    if listener.speaks(stack) and (is_quick(stack) or not self.options.quick):
                        self.plan_stack(groups, listener, stack)
            self.plan_keys(groups, listener)
            self.plan_own_listeners(groups, listener)
        self.plan_rust(groups)
        self.plan_tls_attack(groups)
        return [group for group in groups if group.cells]

    def dialers(self, listener, stack):
        for dialer in self.peers.values():
            own = "starling" in (dialer.name, listener.name)
            if (own or self.options.foreign) and dialer.speaks(stack) and listener.speaks(stack):
                yield dialer

    def plan_stack(self, groups, listener, stack):
        brief = self.options.quick and stack.transport not in ("tcp", "quic-v1")
        cells = [Cell(dialer.name, listener.name, stack, test)
                 for dialer in self.dialers(listener, stack) for test in checks.STACK_CHECKS
                 if test in QUICK_CHECKS or not brief]
        if (listener.name == "starling" or self.options.foreign) and not stack.private:
            cells.append(Cell("garbage", listener.name, stack, "garbage"))
        groups.append(Group(listener, stack, None, self.selected(cells)))

    def plan_keys(self, groups, listener):
        for stack in KEY_STACKS:
            for key_type in listener.key_types:
                cells = [Cell(dialer.name, listener.name, stack, key_type)
                         for dialer in self.dialers(listener, stack) if key_type in dialer.key_types]
                groups.append(Group(listener, stack, key_type, self.selected(cells)))

    def plan_own_listeners(self, groups, listener):
        """Tests after which the listener, or what was asked of it, is not the same."""
        wanted = [(stack, test) for stack in CRASH_STACKS for test in ("vanish", "vanish-dialer")
                  if stack.transport == "tcp" or not self.options.quick]
        wanted.append((QUIC, "rebind"))
        wanted += [(stack, "refused") for transport in ("tcp+pnet", "ws+pnet", "wss") for stack in stacks(transport)
                   if is_quick(stack)]
        if listener.name == "starling":
            wanted.append((QUIC, "limited"))
            wanted += [(stack, "limited-streams") for stack in CRASH_STACKS]
        for stack, test in wanted:
            cells = [Cell(dialer.name, listener.name, stack, test) for dialer in self.dialers(listener, stack)
                     if dialer.crowds or test != "limited-streams"]
            flags = checks.LISTENER_FLAGS.get(test, ())
            groups += [Group(listener, stack, None, self.selected([cell]), flags) for cell in cells]

    def plan_rust(self, groups):
        """What only rust-libp2p does: records of its own form, and a ping behaviour that answers one ping over QUIC."""
        if "starling" not in self.peers or "rust" not in self.peers:
            return
        for stack, test, flag in ((Stack("tcp", "noise", "yamux"), LEGACY_RECORD, "--signed-record"),
                                  (QUIC, LIBRARY_PING, "--library-ping")):
            cell = Cell("starling", "rust", stack, test)
            groups.append(Group(self.peers["rust"], stack, None, self.selected([cell]), [flag]))

    def plan_tls_attack(self, groups):
        if "starling" not in self.peers or "go" not in self.peers:
            return
        starling = self.peers["starling"]
        for stack in filter(starling.speaks, TLS_STACKS):
            for cell in (Cell(TLS_ATTACK, "starling", stack, "bad-tls"), Cell("starling", TLS_ATTACK, stack, "bad-tls")):
                groups.append(Group(starling, stack, None, self.selected([cell])))

    def selected(self, cells):
        return [cell for cell in cells if re.search(self.options.only, str(cell))]

    def run(self, groups):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in [pool.submit(self.run_group, group) for group in groups]:
                result.result()

    def log_path(self, group):
        suffix = f"-{group.key_type}" if group.key_type else ""
        return self.work / f"{group.listener.name}-{str(group.stack).replace('/', '-')}{suffix}.log"

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
                outcome = self.run_cell(cell, listener, group)
                self.record(cell, outcome)
                if outcome.status == "known" and not listener.process.alive():  # the others' cells need one
                    listener = group.listener.listen(group.stack, group.key_type, self.work, log, *group.flags)
        finally:
            code = listener.process.stop()
        if code != 0 and not listener.killed:
            last = group.cells[-1]._replace(test=f"{group.cells[-1].test} (end)")
            detail = f"the listener ended with exit code {'none, was killed' if code is None else code}"
            self.record(last, Outcome(failure(last, detail), detail, 0))

    def run_cell(self, cell, listener, group):
        start = time.monotonic()
        try:
            if not listener.process.alive():
                raise Failed("the listener is gone")
            detail = self.check(cell, listener, group)
            status = "ok"
        except Exception as cause:  # an answer in an unexpected form is a red cell, not the end of the run
            detail = str(cause) if isinstance(cause, Failed) else f"{type(cause).__name__}: {cause}"
            status = failure(cell, detail)
        return Outcome(status, detail, time.monotonic() - start)

    def check(self, cell, listener, group):
        client_log = self.work / (re.sub(r"[^A-Za-z0-9]+", "-", str(cell)) + ".log")
        context = checks.Context(group.stack, self.peers, self.work, client_log, self.options.quick)
        if cell.test == "garbage":
            return self.check_garbage(listener, group, context)
        if cell.dialer == TLS_ATTACK:
            return tls_attack.against_listener(self.peers["go"], listener, context)
        dialer = self.peers[cell.dialer]
        if cell.listener == TLS_ATTACK:
            return tls_attack.against_dialer(self.peers["go"], dialer, context)
        if cell.test == LEGACY_RECORD:
            return checks.legacy_record(dialer, listener, context)
        if cell.test == LIBRARY_PING:
            return checks.library_ping(dialer, listener, context)
        if group.key_type:
            return checks.key_check(dialer, listener, context, group.key_type)
        return {**checks.STACK_CHECKS, **checks.OWN_LISTENER_CHECKS}[cell.test](dialer, listener, context)

    def check_garbage(self, listener, group, context):
        """Garbage from many connections, some still open: a good client must be served."""
        victims = []
        if group.stack.standalone:
            summary = other_garbage.attack_quic(listener.address)
        elif group.stack.network == "ws":
            victims, summary = other_garbage.attack_web_socket(listener.address)
        else:
            victims, summary = garbage.attack(listener.address, group.stack)
        try:
            good = [p for p in self.peers.values() if p.speaks(group.stack)]
            checks.ping(good[0], listener, context)
        finally:
            for victim in victims:
                victim.close()
        checks.ping(good[-1], listener, context)
        return summary

    def record(self, cell, outcome):
        with self.lock:
            self.outcomes[cell] = outcome
            if outcome.status != "ok" or self.options.verbose:
                print(f"{outcome.status:5} {cell}  {outcome.seconds:.1f} s  {outcome.detail or ''}", flush=True)


def place(cell):
    """Where a cell stands in the matrix, whatever order it ran in."""
    return (ORDER.index(cell.listener), ORDER.index(cell.dialer),
            TRANSPORTS.index(cell.stack.transport), str(cell.stack))


def print_matrix(outcomes):
    """One row for each dialer, listener and stack; one column for each test."""
    rows = {}
    for cell in sorted(outcomes, key=place):
        rows.setdefault((cell.dialer, cell.listener, str(cell.stack)), {})[cell.test] = outcomes[cell]
    columns = [*checks.STACK_CHECKS, *KEY_TYPES, *checks.OWN_LISTENER_CHECKS, "garbage", "bad-tls"]
    extra = {cell.test for cell in outcomes} - set(columns)
    columns = [c for c in columns if any(c in row for row in rows.values())] + sorted(extra)
    widths = [max(len(column), 5) for column in columns]
    header = " ".join(f"{column:>{width}}" for column, width in zip(columns, widths))
    print(f"\n{'dialer':11}{'listener':11}{'stack':22}{header}")
    for (dialer, listener, stack), row in rows.items():
        texts = [row[column].status if column in row else "-" for column in columns]
        line = " ".join(f"{text:>{width}}" for text, width in zip(texts, widths))
        print(f"{dialer:11}{listener:11}{stack:22}{line}")


def print_summary(outcomes, seconds, work):
    count = collections.Counter(outcome.status for outcome in outcomes.values())
    print(f"\n{count['ok']} ok, {count['FAIL']} failed, {count['known']} known defects of others, {seconds:.0f} s; logs in {work}")
    for cell, outcome in outcomes.items():
        if outcome.status == "FAIL":
            print(f"  FAIL {cell}: {outcome.detail}")


def write_json(path, outcomes):
    rows = [{**cell._asdict(), "stack": str(cell.stack), **outcome._asdict()} for cell, outcome in outcomes.items()]
    pathlib.Path(path).write_text(json.dumps(rows, indent=1) + "\n")


def choose_peers(options, work):
    peers = {}
    starling = Starling(options.starling)
    if starling.missing() is None:
        peers["starling"] = starling
        starling.find_transports(work)
        lacking = [name for name in TRANSPORTS if name not in starling.transports]
        if lacking:
            print(f"interop: this starling has no {', '.join(lacking)}")
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
    parser.add_argument("--only", default="", metavar="REGEX", help="cells, as in 'js>starling tcp/noise/yamux ping'")
    parser.add_argument("--quick", action="store_true", help="fewer stacks, smaller transfers")
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
    work = pathlib.Path(options.logs or tempfile.mkdtemp(prefix="starling-interop-"))
    work.mkdir(parents=True, exist_ok=True)
    materials.make(work)
    peers = choose_peers(options, work)
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
