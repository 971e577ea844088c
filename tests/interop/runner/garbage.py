"""A peer that sends garbage, stalls or leaves at every stage of a connection over
TCP; what comes as QUIC packets and as WebSocket upgrades is in other_garbage.py.

Raw sockets and the standard library only, so the stages behind the encryption
are reached through plaintext, which needs no cryptography.
"""

import hashlib
import random
import re
import select
import socket
import struct
import time

SEEDS = 20
ANSWER_SECONDS = 5
CUT_SECONDS = 2

MULTISTREAM = "/multistream/1.0.0"
SECURITY_NAMES = {"noise": "/noise", "tls": "/tls/1.0.0", "plaintext": "/plaintext/2.0.0"}
MUXER_NAMES = {"yamux": "/yamux/1.0.0", "mplex": "/mplex/6.7.0"}


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def line(protocol):
    """One multistream-select message."""
    text = protocol.encode() + b"\n"
    return varint(len(text)) + text


class Victim:
    """A connection to the listener under test."""

    def __init__(self, address):
        host, port = re.match(r"/ip4/([^/]+)/tcp/(\d+)", address).groups()
        self.socket = socket.create_connection((host, int(port)), ANSWER_SECONDS)
        self.input = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # being thrown out early is fine

    def read(self, length):
        while len(self.input) < length:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the listener closed the connection")
            self.input += data
        out, self.input = self.input[:length], self.input[length:]
        return out

    def read_message(self):
        length = shift = 0
        while True:
            byte = self.read(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return self.read(length)

    def select(self, protocol):
        """Negotiate one protocol by multistream-select."""
        self.send(line(MULTISTREAM) + line(protocol))
        for wanted in (MULTISTREAM, protocol):
            got = self.read_message().decode().strip()
            if got != wanted:
                raise ConnectionError(f"wanted {wanted}, got {got}")

    def plaintext(self, rng):
        """Exchange made-up Ed25519 identities; plaintext proves nothing."""
        self.select(SECURITY_NAMES["plaintext"])
        key = b"\x08\x01\x12\x20" + rng.randbytes(32)
        peer = b"\x00" + varint(len(key)) + key
        exchange = b"\x0a" + varint(len(peer)) + peer + b"\x12" + varint(len(key)) + key
        self.send(varint(len(exchange)) + exchange)
        self.read_message()

    def close(self):
        self.socket.close()

    def closed_by_peer(self):
        """Whether the end of the connection is here to be read."""
        try:
            while select.select([self.socket], [], [], 0)[0]:
                if not self.socket.recv(65536):
                    return True
        except OSError:
            return True
        return False


def garbage(rng):
    """Random bytes, some of them shaped like a length that promises too much."""
    body = rng.randbytes(rng.choice([1, 2, 7, 64, 1000, 20000]))
    prefix = rng.choice([b"", b"", varint(rng.getrandbits(14)), b"\xff" * 9 + b"\x01", b"\xff" * 12, b"\xff\xff", b"\x80\x00"])
    return prefix + body


def random_bytes(victim, rng, stack):
    victim.send(garbage(rng))


def after_header(victim, rng, stack):
    victim.send(line(MULTISTREAM) + garbage(rng))


def after_security(victim, rng, stack):
    victim.select(SECURITY_NAMES[stack.security])
    victim.send(garbage(rng))


def half_message(victim, rng, stack):
    """Stop inside a valid dialogue; half of the seeds stay silent, half leave."""
    dialogue = line(MULTISTREAM) + line(SECURITY_NAMES[stack.security]) + struct.pack(">H", 32) + rng.randbytes(32)
    victim.send(dialogue[: rng.randrange(1, len(dialogue))])
    if rng.random() < 0.5:
        victim.close()


def muxer_negotiation(victim, rng, stack):
    victim.plaintext(rng)
    victim.send(garbage(rng))


def muxer_bytes(victim, rng, stack):
    victim.plaintext(rng)
    victim.select(MUXER_NAMES[stack.muxer])
    victim.send(garbage(rng))


def yamux_frame(rng, version=None, stream=None, kind=None, flags=None, length=None):
    return struct.pack(
        ">BBHII", rng.choice([0, 0, 0, 1]) if version is None else version, rng.randrange(5) if kind is None else kind,
        rng.choice([0, 1, 2, 4, 8, rng.getrandbits(16)]) if flags is None else flags,
        rng.choice([0, 1, 2, 3, rng.getrandbits(32)]) if stream is None else stream,
        rng.choice([0, 1, 100, 262144, 262145, 2**31, 2**32 - 1]) if length is None else length)


def mplex_frame(rng):
    body = rng.randbytes(rng.choice([0, 1, 100]))
    length = rng.choice([len(body), 1 << 20, (1 << 20) + 1, 2**40])
    return varint(rng.getrandbits(rng.choice([4, 20, 63]))) + varint(length) + body


def muxer_frames(victim, rng, stack):
    """Frames that are well formed one by one, but nonsense together."""
    victim.plaintext(rng)
    victim.select(MUXER_NAMES[stack.muxer])
    frame = yamux_frame if stack.muxer == "yamux" else mplex_frame
    for _ in range(rng.randrange(1, 50)):
        victim.send(frame(rng))


def on_stream(victim, rng, stack):
    """Open a stream, speak a protocol of the listener, then garbage."""
    victim.plaintext(rng)
    victim.select(MUXER_NAMES[stack.muxer])
    protocol = rng.choice(["/ipfs/ping/1.0.0", "/ipfs/id/push/1.0.0", "/perf/1.0.0", "/echo/1.0.0", "/nobody/speaks/this"])
    payload = line(MULTISTREAM) + line(protocol) + garbage(rng)
    if rng.random() < 0.3:
        payload = line(MULTISTREAM)[: rng.randrange(1, 18)] + garbage(rng)
    if stack.muxer == "yamux":
        victim.send(yamux_frame(rng, version=0, stream=1, kind=0, flags=1, length=len(payload)) + payload)
    else:
        victim.send(varint(1 << 3) + varint(1) + b"1" + varint(1 << 3 | 2) + varint(len(payload)) + payload)


STAGES = {
    "random": random_bytes,
    "header": after_header,
    "security": after_security,
    "half": half_message,
}
PLAINTEXT_STAGES = {
    "muxer": muxer_negotiation,
    "muxer-bytes": muxer_bytes,
    "muxer-frames": muxer_frames,
    "stream": on_stream,
}


def attack(address, stack):
    """Run every stage with every seed; returns what became of the connections."""
    stages = dict(STAGES)
    if stack.security == "plaintext":
        stages.update(PLAINTEXT_STAGES)
    victims = []
    for name, stage in stages.items():
        for seed in range(SEEDS):
            rng = random.Random(hashlib.sha256(f"{name} {seed}".encode()).digest())
            victim = Victim(address)
            victims.append(victim)
            try:
                stage(victim, rng, stack)
            except (OSError, ConnectionError):
                pass  # thrown out before the garbage: also an answer
    end = time.monotonic() + CUT_SECONDS
    open_victims = victims
    while open_victims and time.monotonic() < end:
        open_victims = [v for v in open_victims if v.socket.fileno() >= 0 and not v.closed_by_peer()]
        time.sleep(0.05)
    summary = f"{len(victims) - len(open_victims)} of {len(victims)} cut"
    return victims, summary
