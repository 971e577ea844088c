"""The scenarios: each builds its network, does its work, and returns rows of
(what, verdict, measurement). A verdict is ok, FAIL, or - for a measurement alone."""

import contextlib
import copy
import time

from runner.peers import Failed
from runner.stack import QUIC, Stack

from topology import CLIENT4, SERVER4, SERVER6, Lab, inside

NOISE, TLS = Stack("tcp", "noise", "yamux"), Stack("tcp", "tls", "yamux")
STACKS = (NOISE, TLS, QUIC)

RTT_MS = 60
CONNECTS = 2
TRIES = 10
NEAR_TRIES = 6
# Round trips for a connection and one exchange, and what a busy machine may add to its own time.
ROUND_TRIPS = {NOISE: 3, TLS: 3, QUIC: 2}
SLACK_ROUND_TRIPS = 0.5

# What a node has that takes part in both.
BOTH = Stack("tcp,quic-v1", "noise", "yamux")
BLOCKED_SECONDS = 3

LOSS_PERCENT = 1
LOSSY_BYTES = 3 << 20
LEAST_MBIT = 0.5

# A transfer that is still going on when its address goes away, on any machine.
MOVED_BYTES = 256 << 20
MOVED_AFTER_SECONDS = 0.5
# Whose QUIC listeners follow a client to another address; rust's and js's are set up not to.
FOLLOWERS = ("starling", "go")

OUTAGE_SECONDS = 4
NOTICE_SECONDS = 90
# A look at the interfaces every 5 s, 10 s for the answer to a probe, 2 s for the goodbye, and what a busy machine may add.
LOST_SECONDS = 25
REDIAL_SECONDS = 20


class Bench:
    """What every scenario needs: the peers, where to write, and the wire."""

    def __init__(self, peers, work, wire):
        self.peers = peers
        self.work = work
        self.wire = wire
        self.logs = 0

    @property
    def starling(self):
        return self.peers["starling"]

    def log(self):
        self.logs += 1
        return self.work / f"{self.logs:03}.log"

    def speakers(self, stack):
        return [peer for peer in self.peers.values() if peer.speaks(stack)]

    def placed(self, peer, namespace):
        """The same peer with its processes in a namespace."""
        other = copy.copy(peer)
        other.command = inside(namespace, peer.command)
        return other

    def listening(self, peer, namespace, stack, host=SERVER4):
        return self.placed(peer, namespace).listen(stack, None, self.work, self.log(), host=host)


def verdict(good):
    return "ok" if good else "FAIL"


def connect_times(bench):
    """Connecting and one round trip, in round trips, everyone with itself. What the machine takes is measured without a
    delay and taken off: only the wire counts."""
    speakers = [(stack, peer) for stack in STACKS for peer in bench.speakers(stack)]
    with Lab(bench.wire) as lab:
        client, server = lab.pair()
        near = {each: min(connect_ms(bench, *each, client, server) for _ in range(NEAR_TRIES)) for each in speakers}
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=RTT_MS)
        return [connect_row(bench, *each, client, server, near[each]) for each in speakers]


def connect_row(bench, stack, peer, client, server, near_ms):
    """The best of a few tries: a busy machine adds its own time, never takes any away."""
    judged, best = peer is bench.starling, float("inf")
    for _ in range(TRIES if judged else 1):
        best = min(best, (connect_ms(bench, stack, peer, client, server) - near_ms) / RTT_MS)
        good = best <= ROUND_TRIPS[stack] + SLACK_ROUND_TRIPS
        if good:
            break
    return f"{peer.name} {stack}", verdict(good) if judged else "-", f"{best:.2f} round trips and {near_ms:.0f} ms"


def connect_ms(bench, stack, peer, client, server):
    listener = bench.listening(peer, server, stack)
    try:
        process = bench.placed(peer, client).start(
            "connect", listener.address, stack, bench.work, bench.log(), 60, "--count", CONNECTS)
        if process.wait(90) != 0:
            raise Failed(f"{peer.name} {stack}: {peer.error(process)}")
        seconds = next(e["seconds"] for e in process.events if "seconds" in e)
        return seconds * 1000 / CONNECTS
    finally:
        listener.process.stop()


def ipv6_only(bench):
    """No IPv4 at all."""
    rows = []
    with Lab(bench.wire) as lab:
        client, server = lab.pair(v4=False)
        for stack in filter(bench.starling.speaks, STACKS):
            listener = bench.listening(bench.starling, server, stack, host=SERVER6)
            try:
                count = bench.placed(bench.starling, client).ping(listener.address, stack, bench.work, bench.log(), 20)
                rows.append((str(stack), verdict(count == 10), f"{count} pings"))
            finally:
                listener.process.stop()
    return rows


def short_outage(bench):
    """The interface goes and comes back: the stream goes on."""
    return [with_outage(bench, stack) for stack in filter(bench.starling.speaks, (NOISE, QUIC))]


def with_outage(bench, stack):
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=10)
        listener, process = hold(bench, client, server, stack, 100)
        try:
            time.sleep(1)
            lab.set_link(client, "down")
            time.sleep(OUTAGE_SECONDS)
            lab.set_link(client, "up")
            start = time.monotonic()
            held = process.wait_event(lambda e: e.get("event") in ("held", "lost"), 60)
            good = held is not None and held["event"] == "held"
            return f"{stack}, {OUTAGE_SECONDS} s", verdict(good), f"{held or 'nothing'} after {time.monotonic() - start:.1f} s"
        finally:
            process.kill()
            listener.process.stop()


def long_outage(bench):
    """The interface goes for good: the node notices in time and says why."""
    return [row for stack in filter(bench.starling.speaks, (NOISE, QUIC)) for row in with_cut(bench, stack)]


def with_cut(bench, stack):
    """Rows of one stack: that the cut is noticed, and that a new dial works once the interface is back."""
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=10)
        listener, process = hold(bench, client, server, stack, 10_000)
        try:
            lab.set_link(client, "down")
            start = time.monotonic()
            lost = process.wait_event(lambda e: e.get("event") == "lost", NOTICE_SECONDS)
            good = lost is not None and bool(lost.get("error"))
            what = lost["error"] if lost else f"nothing within {NOTICE_SECONDS} s"
            noticed = (str(stack), verdict(good), f"{time.monotonic() - start:.1f} s: {what}")
            lab.set_link(client, "up")
            return [noticed, redialed(bench, client, listener, stack)]
        finally:
            process.kill()
            listener.process.stop()


def redialed(bench, client, listener, stack):
    """The same listener, which never stopped, from the same machine."""
    start = time.monotonic()
    try:
        count = bench.placed(bench.starling, client).ping(listener.address, stack, bench.work, bench.log(), REDIAL_SECONDS)
    except Failed as cause:
        return f"{stack}, dialed again", "FAIL", str(cause)
    return f"{stack}, dialed again", verdict(count == 10), f"{count} pings in {time.monotonic() - start:.1f} s"


def hold(bench, client, server, stack, count, listens=None):
    listener = bench.listening(listens or bench.starling, server, stack)
    process = bench.placed(bench.starling, client).start(
        "hold", listener.address, stack, bench.work, bench.log(), 300, "--count", count)
    if process.wait_event(lambda e: e.get("event") == "holding", 20) is None:
        process.kill()
        listener.process.stop()
        raise Failed(f"{stack}: no connection to begin with: {process.events[-1:]}")
    return listener, process


def nat_rebinding(bench):
    """The router between forgets its mappings and takes other ports: QUIC goes on."""
    rows = []
    for peer in bench.speakers(QUIC):
        if peer is not bench.starling and not bench.starling.speaks(QUIC):
            continue
        rows.append(rebound(bench, peer))
    return rows


def rebound(bench, peer):
    with Lab(bench.wire) as lab:
        client, router, server = lab.behind_nat(rtt_ms=20)
        listener = bench.listening(bench.starling, server, QUIC)
        process = bench.placed(peer, client).start("hold", listener.address, QUIC, bench.work, bench.log(), 60, "--count", 60)
        try:
            if process.wait_event(lambda e: e.get("event") == "holding", 20) is None:
                raise Failed(f"{peer.name}: no connection to begin with: {process.events[-1:]}")
            for first_port in (50_000, 45_000):
                time.sleep(1.5)
                lab.forget_mappings(router, first_port)
            held = process.wait_event(lambda e: e.get("event") in ("held", "lost"), 40)
            good = held is not None and held["event"] == "held"
            return f"{peer.name} behind the NAT", verdict(good), str(held or process.events[-1:])
        finally:
            process.kill()
            listener.process.stop()


def migration(bench):
    """The address from which our node dialed goes away, another one is there: QUIC connections go on from it."""
    if not bench.starling.speaks(QUIC):
        return []
    rows = []
    for peer in bench.speakers(QUIC):
        rows += [moved_stream(bench, peer)] + ([moved_transfer(bench, peer)] if peer.name in FOLLOWERS else [])
    return rows


@contextlib.contextmanager
def held_from_one_of_two(bench, peer, stack, echoes):
    """A stream that our node, which has two addresses, holds from the first."""
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=10)
        lab.add_second_address(client)
        listener, process = hold(bench, client, server, stack, echoes, listens=peer)
        try:
            yield lab, client, listener, process
        finally:
            process.kill()
            listener.process.stop()


def moved_stream(bench, peer):
    """A listener that does not follow is lost, with the cause, and can be dialed again."""
    with held_from_one_of_two(bench, peer, QUIC, 100) as (lab, client, listener, process):
        time.sleep(1)
        lab.drop_first_address(client)
        end = process.wait_event(lambda e: e.get("event") in ("held", "lost"), 60) or {"event": "nothing"}
        if peer.name in FOLLOWERS:
            return f"to {peer.name}, a stream", verdict(end["event"] == "held"), str(end)
        _, again, measured = redialed(bench, client, listener, QUIC)
        good = end["event"] == "lost" and bool(end.get("error")) and again == "ok"
        return f"to {peer.name}, which does not follow", verdict(good), f"{end.get('error', end)}; again: {measured}"


def moved_transfer(bench, peer):
    """Every byte is compared at both ends."""
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=10)
        lab.add_second_address(client)
        listener = bench.listening(peer, server, QUIC)
        process = bench.placed(bench.starling, client).start(
            "perf", listener.address, QUIC, bench.work, bench.log(), 120, "--upload", MOVED_BYTES, "--check")
        try:
            time.sleep(MOVED_AFTER_SECONDS)
            under_way = process.alive()
            lab.drop_first_address(client)
            code = process.wait(150)
            served = listener.process.wait_event(lambda e: e.get("event") == "perf-served", 10) or {}
            received, wrong = served.get("uploadBytes", served.get("upload_bytes")), served.get("mismatches")
            good = under_way and code == 0 and received == MOVED_BYTES and wrong == 0
            return f"to {peer.name}, a transfer", verdict(good), f"{received} bytes, {wrong} wrong: {process.events[-1:]}"
        finally:
            process.kill()
            listener.process.stop()


def lost_address(bench):
    """The same over TCP, which cannot move: the node soon knows, says why, and can dial again from the other address."""
    return [row for peer in bench.speakers(NOISE) for row in lost_stream(bench, peer)]


def lost_stream(bench, peer):
    with held_from_one_of_two(bench, peer, NOISE, 10_000) as (lab, client, listener, process):
        lab.drop_first_address(client)
        start = time.monotonic()
        lost = process.wait_event(lambda e: e.get("event") == "lost", LOST_SECONDS) or {}
        good = CLIENT4 in lost.get("error", "")
        noticed = f"to {peer.name}", verdict(good), f"{time.monotonic() - start:.1f} s: {lost.get('error', 'nothing')}"
        return [noticed, redialed(bench, client, listener, NOISE)]


def lossy(bench):
    """Throughput of a link that loses packets, everyone with itself."""
    rows = []
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=RTT_MS, loss_percent=LOSS_PERCENT)
        for stack in (NOISE, QUIC):
            for peer in bench.speakers(stack):
                rows.append(lossy_row(bench, peer, client, server, stack))
    return rows


def lossy_row(bench, peer, client, server, stack):
    listener = bench.listening(peer, server, stack)
    try:
        result = bench.placed(peer, client).perf(listener.address, stack, bench.work, bench.log(), 120, LOSSY_BYTES)
    except Failed as cause:
        return f"{peer.name} {stack}", verdict(False) if peer is bench.starling else "-", str(cause)
    finally:
        listener.process.stop()
    up, down = (count * 8 / seconds / 1e6 for count, seconds in result.values())
    good = min(up, down) >= LEAST_MBIT
    return f"{peer.name} {stack}", verdict(good) if peer is bench.starling else "-", f"{up:.1f} / {down:.1f} Mbit/s up / down"


def udp_blocked(bench):
    """QUIC goes nowhere, TCP is there: the dial ends on TCP soon enough."""
    if not bench.starling.speaks(QUIC):
        return []
    with Lab(bench.wire) as lab:
        client, server = lab.pair(rtt_ms=RTT_MS)
        lab.block_udp(server)
        listener = bench.placed(bench.starling, server).listen(
            BOTH, None, bench.work, bench.log(), "--listen", f"/ip4/{SERVER4}/udp/0/quic-v1", host=SERVER4)
        try:
            quic, tcp = sorted(listener.addresses, key=lambda address: "/tcp/" in address)
            process = bench.placed(bench.starling, client).start(
                "reach", quic, BOTH, bench.work, bench.log(), 30, "--also", tcp)
            code = process.wait(40)
            done = process.events[-1] if process.events else {}
            good = code == 0 and "/tcp/" in done["address"] and done["seconds"] < BLOCKED_SECONDS
            return [("falls to TCP", verdict(good), f"{done.get('seconds', 0):.2f} s, {done.get('address', done)}")]
        finally:
            listener.process.stop()


SCENARIOS = {
    "connect": connect_times,
    "ipv6-only": ipv6_only,
    "udp-blocked": udp_blocked,
    "outage": short_outage,
    "cut": long_outage,
    "nat-rebinding": nat_rebinding,
    "migration": migration,
    "lost-address": lost_address,
    "lossy": lossy,
}
