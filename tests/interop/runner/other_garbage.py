"""Garbage for the other transports: datagrams that look like QUIC or like nothing,
and upgrades to WebSocket that go wrong. Raw sockets and the standard library only."""

import base64
import random
import re
import select
import socket
import struct
import time

from .garbage import CUT_SECONDS, SEEDS, Victim, garbage

# ---- QUIC: RFC 9000, section 17 ------------------------------------------------------


def noise(rng):
    return rng.randbytes(rng.choice([0, 1, 20, 1199, 1200, 1452, 9000, 60000]))


def long_header(rng, kind=None, version=1, to=None, token=b"", length=None, size=1200):
    """An Initial, 0-RTT, Handshake or Retry packet whose payload nobody can decrypt."""
    to = rng.randbytes(8) if to is None else to
    first = 0xC0 | (rng.randrange(4) if kind is None else kind) << 4 | rng.randrange(16)
    head = struct.pack(">BI", first, version) + bytes([len(to)]) + to + bytes([8]) + rng.randbytes(8)
    if first >> 4 & 3 == 0:
        head += quic_varint(len(token)) + token
    body = rng.randbytes(max(0, size - len(head) - 4))
    return head + (quic_varint(len(body) if length is None else length)) + body


def quic_varint(number):
    for bits, prefix in ((6, 0), (14, 1), (30, 2), (62, 3)):
        if number < 1 << bits:
            return (number | prefix << bits).to_bytes((bits + 2) // 8, "big")
    raise ValueError(number)


DATAGRAMS = {
    "noise": noise,
    "short header": lambda rng: bytes([0x40 | rng.randrange(64)]) + rng.randbytes(rng.choice([1, 8, 20, 1200])),
    "initial": lambda rng: long_header(rng, kind=0),
    "small initial": lambda rng: long_header(rng, kind=0, size=200),
    "any long header": long_header,
    "unknown version": lambda rng: long_header(rng, version=rng.choice([0, 2, 0x1A2A3A4A, 0xFF00001D, 0x6B3343CF])),
    "long id": lambda rng: long_header(rng, kind=0, to=rng.randbytes(rng.choice([21, 255]))),
    "no id": lambda rng: long_header(rng, kind=0, to=b""),
    "long token": lambda rng: long_header(rng, kind=0, token=rng.randbytes(900)),
    "lying length": lambda rng: long_header(rng, kind=0, length=rng.choice([0, 1, 5000, (1 << 62) - 1])),
    "coalesced": lambda rng: b"".join(long_header(rng, size=300) for _ in range(4)),
    "cut short": lambda rng: long_header(rng)[: rng.randrange(1, 40)],
}


def attack_quic(address):
    """Every kind of datagram with every seed; how many were answered, and by how much."""
    host, port = re.match(r"/ip4/([^/]+)/udp/(\d+)", address).groups()
    sent = answered = received = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        for name, make in DATAGRAMS.items():
            for seed in range(SEEDS):
                datagram = make(random.Random(f"{name} {seed}"))
                sock.send(datagram)
                sent += len(datagram)
        end = time.monotonic() + CUT_SECONDS
        while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            received += len(sock.recv(65536))
            answered += 1
    if received > 3 * sent:  # RFC 9000, section 8.1
        raise ConnectionError(f"{sent} bytes of garbage were answered with {received}: an amplifier")
    return f"{answered} answers to {len(DATAGRAMS) * SEEDS} datagrams"


# ---- WebSocket: RFC 6455 -------------------------------------------------------------


def upgrade(rng, path="/", version="13", key=None, connection="Upgrade", websocket="websocket", more=""):
    key = base64.b64encode(rng.randbytes(16)).decode() if key is None else key
    return (f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\nUpgrade: {websocket}\r\n"
            f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n").encode()


def frame(rng, first=0x82, masked=True, length=None, body=b""):
    length = len(body) if length is None else length
    mask = rng.randbytes(4) if masked else b""
    head = bytes([first])
    if length < 126:
        head += bytes([masked << 7 | length])
    elif length < 1 << 16:
        head += struct.pack(">BH", masked << 7 | 126, length)
    else:
        head += struct.pack(">BQ", masked << 7 | 127, length)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)) if masked else head + body


def after_upgrade(make):
    return lambda rng: upgrade(rng) + make(rng)


REQUESTS = {
    "random bytes": garbage,
    "no upgrade": lambda rng: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "other method": lambda rng: upgrade(rng).replace(b"GET", b"POST"),
    "http/2": lambda rng: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(50),
    "old version": lambda rng: upgrade(rng, version=rng.choice(["8", "-1", "999999999999"])),
    "bad key": lambda rng: upgrade(rng, key=rng.choice(["", "short", "=" * 300])),
    "other upgrade": lambda rng: upgrade(rng, websocket="h2c"),
    "endless header": lambda rng: upgrade(rng, more="X-Filler: " + "a" * rng.choice([20_000, 200_000])),
    "many headers": lambda rng: upgrade(rng, more="X: y\r\n" * 20_000),
    "half a request": lambda rng: upgrade(rng)[: rng.randrange(1, 100)],
    "body": lambda rng: upgrade(rng, more="Content-Length: 99999999999\r\n") + rng.randbytes(1000),
    "unmasked frame": after_upgrade(lambda rng: frame(rng, masked=False, body=b"hello")),
    "text frame": after_upgrade(lambda rng: frame(rng, first=0x81, body=b"\xff\xfe")),
    "reserved bits": after_upgrade(lambda rng: frame(rng, first=0xF2, body=b"hello")),
    "unknown opcode": after_upgrade(lambda rng: frame(rng, first=0x80 | rng.randrange(11, 16), body=b"hello")),
    "huge frame": after_upgrade(lambda rng: frame(rng, length=rng.choice([1 << 40, (1 << 63) - 1]), body=b"a")),
    "huge ping": after_upgrade(lambda rng: frame(rng, first=0x89, length=60_000, body=rng.randbytes(60_000))),
    "fragmented ping": after_upgrade(lambda rng: frame(rng, first=0x09, body=b"a")),
    "lone continuation": after_upgrade(lambda rng: frame(rng, first=0x80, body=b"a")),
    "pings without end": after_upgrade(lambda rng: b"".join(frame(rng, first=0x89, body=rng.randbytes(100)) for _ in range(500))),
    "empty frames": after_upgrade(lambda rng: frame(rng, first=0x02) + frame(rng, first=0x00) * 5000),
    "garbage inside": after_upgrade(lambda rng: frame(rng, body=garbage(rng))),
    "close and go on": after_upgrade(lambda rng: frame(rng, first=0x88, body=b"\x03\xe8") + frame(rng, body=garbage(rng))),
}


def attack_web_socket(address, connect=Victim):
    """Every kind of request with some seeds; the connections, some still open."""
    victims = []
    for name, make in REQUESTS.items():
        for seed in range(SEEDS // 5):
            victim = connect(address)
            victims.append(victim)
            victim.send(make(random.Random(f"{name} {seed}")))
    end = time.monotonic() + CUT_SECONDS
    open_victims = victims
    while open_victims and time.monotonic() < end:
        open_victims = [v for v in open_victims if not v.closed_by_peer()]
        time.sleep(0.05)
    return victims, f"{len(victims) - len(open_victims)} of {len(victims)} cut"
