"""The tests of one dialer against one listener."""

import re
import time

from .peers import BASE_PROTOCOLS, TEST_PROTOCOLS, Failed
from .relay import UdpRelay

PERF_BYTES = 256 << 20
QUICK_PERF_BYTES = 4 << 20
STREAMS = 1000
STREAM_BYTES = 1000
HALF_CLOSE_BYTES = 1_000_000
RESET_CODE = 0x1234

# A crashed process's sockets say so at once over TCP; over QUIC silence is all there is.
NOTICE_SECONDS = {"quic-v1": 60}
NOTICE_SECONDS_TCP = 5
REFUSAL_SECONDS = 3


class Context:
    """What a check needs besides its two peers."""

    def __init__(self, stack, peers, work, log, quick):
        self.stack = stack
        self.peers = peers
        self.work = work
        self.log = log
        self.quick = quick

    def args(self, listener):
        return listener.address, self.stack, self.work, self.log


def ping(dialer, listener, context):
    count = dialer.ping(*context.args(listener), 60)
    if count != 10:
        raise Failed(f"{count} of 10 pings came back")


def library_ping(dialer, listener, context):
    """As ping; the listener leaves the answers to its library's ping behaviour."""
    dialer.ping(*context.args(listener), 10)


def identify(dialer, listener, context):
    start = listener.mark()
    got = dialer.identify(*context.args(listener), 60)
    wanted = listener.identity
    for field in ("peer", "agentVersion", "protocolVersion"):
        if not got.get(field):
            raise Failed(f"{field} is missing")
        if wanted[field] is not None and got[field] != wanted[field]:
            raise Failed(f"{field} is {got[field]}, the listener is {wanted[field]}")
    check_protocols(set(got["protocols"]), wanted["protocols"])
    if sorted(got["listenAddrs"]) != sorted(bare(wanted["listenAddrs"])) \
            and sorted(bare(got["listenAddrs"])) != sorted(bare(wanted["listenAddrs"])):
        raise Failed(f"listenAddrs are {got['listenAddrs']}, the listener has {wanted['listenAddrs']}")
    check_observed(got, listener, start, context.stack.network)
    if wanted["signedRecord"] and dialer.signed_records:
        check_record(got, wanted)


def bare(addresses):
    """Addresses without the peer id that some implementations append."""
    return [re.sub(r"/p2p/[^/]+$", "", address) for address in addresses]


def check_protocols(got, wanted):
    if wanted is not None and got != wanted:
        raise Failed(f"protocols differ: {sorted(got ^ wanted)}")
    lacking = (BASE_PROTOCOLS | TEST_PROTOCOLS) - got
    if lacking:
        raise Failed(f"protocols lack {sorted(lacking)}")


def check_observed(got, listener, start, network):
    """The observed address is the one the listener sees, and ours if we know it."""
    # js-libp2p appends our own peer id.
    observed = bare([got["observedAddr"] or ""])[0]
    found = re.fullmatch(r"/ip4/127\.0\.0\.1/(tcp|udp)/([1-9][0-9]*)" + OBSERVED_ENDS[network], observed)
    if not found:
        raise Failed(f"observedAddr is {got['observedAddr']}")
    # A socket for many connections knows its port only.
    if got.get("localAddr") and port(got["localAddr"]) != found[2]:
        raise Failed(f"observedAddr is {observed}, the dialer's address {got['localAddr']}")
    opened = [e for e in listener.process.events[start:] if e.get("event") == "connection-open" and e.get("addr")]
    if opened and all(port(e["addr"]) != found[2] for e in opened):
        raise Failed(f"observedAddr is {observed}, the listener saw {[e['addr'] for e in opened]}")


# Some leave out, on the listening side, what is above TCP.
OBSERVED_ENDS = {"tcp": "", "quic-v1": "/quic-v1", "ws": "(/ws)?", "wss": "(/tls/ws|/wss|/ws)?"}


def port(address):
    return re.search(r"/(?:tcp|udp)/(\d+)", address)[1]


def check_record(got, wanted):
    record = got["signedPeerRecord"]
    if record is None:
        raise Failed("no signed peer record")
    if record["peer"] not in (None, wanted["peer"]):
        raise Failed(f"the signed peer record is for {record['peer']}")
    if record["addrs"] is not None and sorted(bare(record["addrs"])) != sorted(bare(wanted["listenAddrs"])):
        raise Failed(f"the signed peer record has {record['addrs']}")
    if int(record["seq"]) <= 0:
        raise Failed(f"the signed peer record has the sequence number {record['seq']}")


def perf(dialer, listener, context):
    """Both directions, every byte compared: downloads by the dialer, uploads by the listener."""
    size = QUICK_PERF_BYTES if context.quick else PERF_BYTES
    start = listener.mark()
    result = dialer.perf(*context.args(listener), 180, size)
    for direction, (count, _) in result.items():
        if count != size:
            raise Failed(f"{direction}: {count} of {size} bytes")
    served = listener.process.wait_event(lambda e: e.get("event") == "perf-served", 10, start)
    if served is None:
        raise Failed("the listener reported no perf-served event, so nobody checked the upload")
    received = served.get("uploadBytes", served.get("upload_bytes"))
    wrong = served.get("mismatches")
    if received != size or wrong != 0:
        raise Failed(f"upload: the listener got {received} bytes, {wrong} of them wrong")
    up, down = (count / max(seconds, 1e-6) / 1e6 for count, seconds in result.values())
    return f"{up:.0f}/{down:.0f}"


def streams(dialer, listener, context):
    """All open at once, or as many as a listener allows that cannot be told otherwise."""
    flags = ["--count", STREAMS, "--size", STREAM_BYTES]
    most = context.peers[listener.name].most_streams
    if context.stack.standalone and most:
        flags += ["--open", most - 6]  # identify and ping want some as well
    dialer.behaviour("streams", *context.args(listener), 180, *flags)


def half_close(dialer, listener, context):
    dialer.behaviour("half-close", *context.args(listener), 60, "--size", HALF_CLOSE_BYTES)


def reset(dialer, listener, context):
    got = dialer.behaviour("reset", *context.args(listener), 60)
    if dialer.reset_codes and context.peers[listener.name].reset_codes and context.stack.muxer != "mplex" \
            and got.get("code") != RESET_CODE:
        raise Failed(f"the code of the reset is {got.get('code')}, the listener sent {RESET_CODE}")


def close_during_write(dialer, listener, context):
    dialer.behaviour("close-during-write", *context.args(listener), 60)


def vanish(dialer, listener, context):
    """The listener dies without a word while a stream is busy."""
    process = dialer.start("hold", *context.args(listener), 120)
    try:
        await_event(process, "holding", 30)
        listener.kill()
        start = time.monotonic()
        limit = NOTICE_SECONDS.get(context.stack.transport, NOTICE_SECONDS_TCP)
        lost = await_event(process, "lost", limit)
        if not lost.get("error"):
            raise Failed("the dialer does not say why the stream was lost")
        return f"{time.monotonic() - start:.1f} s: {lost['error']}"
    finally:
        process.kill()


def vanish_dialer(dialer, listener, context):
    """The dialer dies without a word while a stream is busy."""
    process = dialer.start("hold", *context.args(listener), 120)
    try:
        await_event(process, "holding", 30)
    finally:
        start = listener.mark()
        process.kill()
    begin = time.monotonic()
    limit = NOTICE_SECONDS.get(context.stack.transport, NOTICE_SECONDS_TCP)
    closed = context.peers[listener.name].closed(listener.process, start, limit)
    if closed is None:
        raise Failed(f"the listener noticed nothing for {limit} s")
    if "reason" in closed and not closed["reason"]:
        raise Failed("the listener does not say why the connection ended")
    return f"{time.monotonic() - begin:.1f} s: {closed.get('reason', '')}"


def rebind(dialer, listener, context):
    """In the midst of a connection the dialer's packets come from another port, twice."""
    with UdpRelay(port(listener.address)) as relay:
        address = re.sub(r"/udp/\d+", f"/udp/{relay.port}", listener.address)
        process = dialer.start("hold", address, *context.args(listener)[1:], 60, "--count", 50)
        try:
            await_event(process, "holding", 30)
            for _ in range(2):
                time.sleep(1)
                relay.rebind()
            end = process.wait_event(lambda e: e.get("event") in ("held", "lost"), 30)
            if end is None or end["event"] == "lost":
                raise Failed(f"lost: {end and end['error']}")
        finally:
            process.kill()
        if relay.ports_used < 3:
            raise Failed("the relay did not change its port")


def await_event(process, name, seconds):
    event = process.wait_event(lambda e: e.get("event") == name, seconds)
    if event is None:
        raise Failed(f"no {name} event within {seconds} s: {process.events[-1:]}")
    return event


def refused(dialer, listener, context):
    """The dialer has another network's key, or does not know the listener's CA: the
    dial fails soon, and Starling says by name why. What a foreign listener reads by
    another key may look to it like the start of a long message: it waits and says
    nothing, and only the dial's time-out ends that."""
    process = dialer.start("ping", listener.address, context.stack.as_wrong(), context.work, context.log, 20, "--count", 1)
    start = time.monotonic()
    code = process.wait(30)
    took = time.monotonic() - start
    if code in (0, None):
        raise Failed(f"exit code {code}, the dial should have failed")
    if dialer.name != "starling":
        return dialer.error(process)
    if context.stack.private and listener.name != "starling" and "Timeout" in dialer.error(process):
        return dialer.error(process)
    if took > REFUSAL_SECONDS:
        raise Failed(f"the refusal took {took:.1f} s")
    wanted = WRONG_KEY_ERROR if context.stack.private else WRONG_CA_ERROR
    if not re.search(wanted, dialer.error(process)):
        raise Failed(f"the error does not say {wanted}: {dialer.error(process)}")
    return dialer.error(process)


def limited(dialer, listener, context):
    """The listener has room for one connection: a second one is refused with a clear close, soon; the
    first is served all the while, and another one afterwards."""
    first = dialer.start("hold", *context.args(listener), 120)
    try:
        await_event(first, "holding", 30)
        second = dialer.start("ping", *context.args(listener), 20, "--count", 1)
        start = time.monotonic()
        code = second.wait(50)
        took = time.monotonic() - start
        if code in (0, None):
            raise Failed(f"exit code {code}, the second connection should have been refused")
        if not re.search(LIMIT_ERRORS[dialer.name], dialer.error(second)):
            raise Failed(f"the refusal is no clear one after {took:.1f} s: {dialer.error(second)}")
        if lost := first.wait_event(lambda e: e.get("event") == "lost", 1):
            raise Failed(f"the first connection went with the second one: {lost['error']}")
        mark = listener.mark()
    finally:
        first.stop()
    if context.peers[listener.name].closed(listener.process, mark, NOTICE_SECONDS["quic-v1"]) is None:
        raise Failed("the listener keeps the first connection")
    ping(dialer, listener, context)
    return f"{took:.1f} s: {dialer.error(second)}"


# QUIC's CONNECTION_REFUSED in the words of each implementation.
LIMIT_ERRORS = {
    "starling": "RemoteLimit",
    "go": "CONNECTION_REFUSED",
    "rust": "the server refused to accept a new connection",
    "js": "the server refused to accept a new connection",
}


def limited_streams(dialer, listener, context):
    """The listener takes eight streams of one peer: of twelve that are to stand at the same time the others are
    refused, which the dialer sees. Those that stand go on, the connection too, and then there is room again."""
    result = dialer.behaviour("crowd", *context.args(listener), 60, "--open", CROWD)
    if (result["served"], result["refused"]) != (CROWD_SERVED, CROWD - CROWD_SERVED):
        raise Failed(f"{result['served']} served, {result['refused']} refused: {result['error']}")
    if not re.search(STREAM_REFUSALS[dialer.name], result["error"]):
        raise Failed(f"the refusal is no clear one: {result['error']}")
    return result["error"]


CROWD = 12
CROWD_SERVED = 8
# A reset, with StreamResourceLimitExceeded where its code is shown, in the words of each implementation.
STREAM_REFUSALS = {
    "go": "reset .*0x1002",
    "js": "StreamResetError|UnexpectedEOFError",  # the latter over QUIC, where it tells no reset from an end
    "rust": "reset .*4098|Unsupported",  # the latter over yamux, where negotiation meets an end
}

WRONG_KEY_ERROR = "network key|private network|PrivateNetwork|WrongNetwork"
WRONG_CA_ERROR = "certificate"


def legacy_record(dialer, listener, context):
    """rust-libp2p signs peer records under a name of its own; they count as well."""
    got = dialer.identify(*context.args(listener), 60)
    check_record(got, listener.identity)


def key_check(dialer, listener, context, key_type):
    """Both sides have an identity of this type."""
    count = dialer.ping(*context.args(listener), 60, key_type=key_type)
    if count != 10:
        raise Failed(f"{count} of 10 pings came back")


# Name, function; in the order of the matrix.
STACK_CHECKS = {
    "ping": ping,
    "identify": identify,
    "perf": perf,
    "streams": streams,
    "half-close": half_close,
    "reset": reset,
    "close-write": close_during_write,
}
# Tests with a listener of their own.
OWN_LISTENER_CHECKS = {
    "vanish": vanish,
    "vanish-dialer": vanish_dialer,
    "rebind": rebind,
    "refused": refused,
    "limited": limited,
    "limited-streams": limited_streams,
}
# What such a listener is told besides.
LISTENER_FLAGS = {
    "limited": ("--set", "resource.limits=system.connections=1"),
    "limited-streams": ("--set", f"resource.limits=peer.inbound_streams={CROWD_SERVED}"),
}
