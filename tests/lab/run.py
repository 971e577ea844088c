#!/usr/bin/env python3
"""Starling on real kernels' networks: namespaces, veth pairs, nft and a wire that
delays and loses. Prints a table; ends with 1 if a scenario did not go as it should.
See README.md.
"""

import argparse
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.append(str(HERE.parent / "interop"))

from runner import materials  # noqa: E402
from runner.peers import Starling, foreign_peers  # noqa: E402

from scenarios import SCENARIOS, Bench  # noqa: E402
from topology import Lab, build_wire  # noqa: E402


def choose_peers(options, work):
    starling = Starling(options.starling)
    if starling.missing():
        sys.exit(f"lab: {starling.missing()}")
    starling.find_transports(work)
    peers = {"starling": starling}
    for name, peer in foreign_peers(ROOT / "build" / "interop").items():
        if name in options.peers.split(",") and peer.missing() is None:
            peers[name] = peer
    print(f"lab: {', '.join(peers)}; starling has {', '.join(starling.transports)}")
    return peers


def run(name, scenario, bench):
    start = time.monotonic()
    try:
        rows = scenario(bench)
    except Exception as cause:  # one broken scenario is not the end of the run
        rows = [("", "FAIL", f"{type(cause).__name__}: {cause}")]
    if not rows:
        rows = [("", "-", "this starling lacks the transport")]
    for what, verdict, measured in rows:
        print(f"{name:14}{what:34}{verdict:6}{measured}", flush=True)
    print(f"{'':14}({time.monotonic() - start:.0f} s)", flush=True)
    return rows


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)} (all)")
    parser.add_argument("--peers", default="js,go,rust", help="others to measure beside Starling, if built (%(default)s)")
    parser.add_argument("--starling", type=pathlib.Path, default=ROOT / "build/release/bin/starling", metavar="PATH")
    parser.add_argument("--logs", type=pathlib.Path, metavar="DIR", help="where to keep the logs (a new folder)")
    return parser.parse_args()


def main():
    options = parse()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        sys.exit(f"lab: unknown scenario {unknown[0]!r}, known: {', '.join(SCENARIOS)}")
    lacking = Lab.lacking()
    if lacking:
        print(f"lab: skipped: {lacking}")
        return 0
    work = (options.logs or pathlib.Path(tempfile.mkdtemp(prefix="starling-lab-"))).resolve()
    work.mkdir(parents=True, exist_ok=True)
    materials.make(work)
    bench = Bench(choose_peers(options, work), work, build_wire())
    rows = []
    for name in options.scenarios or SCENARIOS:
        rows += run(name, SCENARIOS[name], bench)
    failed = sum(verdict == "FAIL" for _, verdict, _ in rows)
    print(f"lab: {len(rows)} rows, {failed} failed; logs in {work}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
