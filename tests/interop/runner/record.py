"""Reads a signed peer record (RFC 0002 and 0003); whoever gave it checked the signature."""

import ipaddress

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PORTS = {6: "tcp", 273: "udp"}
WORDS = {461: "quic-v1", 448: "tls", 477: "ws", 478: "wss"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The fields of a protobuf message: number -> list of values."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        found.setdefault(key >> 3, []).append(value)
    return found


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def multiaddr(data):
    """The text of an address out of the protocols that the tests use."""
    text, at = "", 0
    while at < len(data):
        code, at = varint(data, at)
        if code == 4:
            text, at = f"{text}/ip4/{ipaddress.IPv4Address(data[at:at + 4])}", at + 4
        elif code in PORTS:
            text, at = f"{text}/{PORTS[code]}/{int.from_bytes(data[at:at + 2], 'big')}", at + 2
        elif code in WORDS:
            text = f"{text}/{WORDS[code]}"
        elif code == 421:
            length, at = varint(data, at)
            text, at = f"{text}/p2p/{base58(data[at:at + length])}", at + length
        else:
            raise ValueError(f"multiaddr code {code} in a peer record")
    return text


def describe(envelope):
    """Peer, sequence number and addresses of a signed envelope with a peer record."""
    record = fields(fields(envelope)[3][0])
    return {
        "peer": base58(record[1][0]),
        "seq": record.get(2, [0])[0],
        "addrs": [multiaddr(fields(entry)[1][0]) for entry in record.get(3, [])],
    }
