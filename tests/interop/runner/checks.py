"""The tests of one dialer against one listener."""

import re

from .peers import BASE_PROTOCOLS, TEST_PROTOCOLS, Failed

PERF_BYTES = 64 << 20
QUICK_PERF_BYTES = 4 << 20
STREAMS = 1000
STREAM_BYTES = 1000
HALF_CLOSE_BYTES = 1_000_000


class Context:
    """What a check needs besides its two peers."""

    def __init__(self, stack, work, log, quick):
        self.stack = stack
        self.work = work
        self.log = log
        self.quick = quick

    def args(self, listener):
        return listener.address, self.stack, self.work, self.log


def ping(dialer, listener, context):
    count = dialer.ping(*context.args(listener), 60)
    if count != 10:
        raise Failed(f"{count} of 10 pings came back")


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
    check_observed(got, listener, start)
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


def check_observed(got, listener, start):
    """The observed address is the one the listener sees, and ours if we know it."""
    # js-libp2p appends our own peer id.
    observed = bare([got["observedAddr"] or ""])[0]
    if not re.fullmatch(r"/ip4/127\.0\.0\.1/tcp/[1-9][0-9]*", observed):
        raise Failed(f"observedAddr is {got['observedAddr']}")
    if got.get("localAddr") and got["localAddr"] != observed:
        raise Failed(f"observedAddr is {observed}, the dialer's address {got['localAddr']}")
    opened = [e for e in listener.process.events[start:] if e.get("event") == "connection-open" and e.get("addr")]
    if opened and all(bare([e["addr"]])[0] != observed for e in opened):
        raise Failed(f"observedAddr is {observed}, the listener saw {[e['addr'] for e in opened]}")


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
    dialer.behaviour("streams", *context.args(listener), 180, "--count", STREAMS, "--size", STREAM_BYTES)


def half_close(dialer, listener, context):
    dialer.behaviour("half-close", *context.args(listener), 60, "--size", HALF_CLOSE_BYTES)


def reset(dialer, listener, context):
    dialer.behaviour("reset", *context.args(listener), 60)


def close_during_write(dialer, listener, context):
    dialer.behaviour("close-during-write", *context.args(listener), 60)


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


def legacy_record(dialer, listener, context):
    """rust-libp2p signs peer records under a name of its own; they count as well."""
    got = dialer.identify(*context.args(listener), 60)
    check_record(got, listener.identity)


def key_check(dialer, listener, context, key_type):
    """Both sides have an identity of this type."""
    count = dialer.ping(*context.args(listener), 60, key_type=key_type)
    if count != 10:
        raise Failed(f"{count} of 10 pings came back")
