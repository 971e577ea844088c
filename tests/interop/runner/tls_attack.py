"""Certificates broken in each way the libp2p TLS specification forbids, against
Starling as a listener and as a dialer. The broken peer is part of the go peer."""

import re

from .peers import Failed, start_listener
from .process import Process

# What Starling's error has to say about each flaw of the peer it dialed.
FLAWS = {
    "expired": "BadCertificate.*expired|expired.*BadCertificate",
    "not-yet-valid": "not valid yet.*BadCertificate",
    "no-extension": "no libp2p extension.*BadCertificate",
    "garbage-extension": "extension.*BadCertificate",
    "foreign-signature": "signature.*BadCertificate",
    "signature-without-prefix": "signature.*BadCertificate",
    "unknown-critical-extension": "unknown critical extension.*BadCertificate",
    "two-certificates": "[Cc]ertificate",
    "not-self-signed": "self-signature.*BadCertificate",
    "wrong-peer": "PeerIdMismatch",
    "wrong-alpn": "application protocol",
    "tls-1.2": "protocol version",
}
LISTENER_ONLY = {"no-certificate"}  # which a client may lack, a server never
DIALER_ONLY = {"wrong-peer"}
NOT_OVER_QUIC = {"tls-1.2"}  # QUIC libraries have nothing older


def flaws(stack):
    skipped = NOT_OVER_QUIC if stack.standalone else set()
    return [flaw for flaw in FLAWS if flaw not in skipped]


def against_listener(attacker, listener, context):
    """A client with a broken certificate is thrown out; one with a good one is not."""
    wrong = []
    for flaw in ["good", *sorted(LISTENER_ONLY), *flaws(context.stack)]:
        if flaw in DIALER_ONLY:
            continue
        process = Process([*attacker.command, "tls-attack", "--flaw", flaw, "--peer", listener.address,
                           "--transport", context.stack.network], context.log)
        process.wait(30)
        verdict = next((e for e in process.events if e.get("event") == "verdict"), {}).get("verdict")
        if verdict != ("accepted" if flaw == "good" else "refused"):
            wrong.append(f"{flaw}: {verdict}")
    if wrong:
        raise Failed("; ".join(wrong))


def against_dialer(attacker, dialer, context):
    """A server with a broken certificate is not talked to, and the error says why."""
    wrong = []
    for flaw in ["good", *flaws(context.stack)]:
        error = dial_flawed(attacker, dialer, context, flaw)
        if not re.search("ConnectionClosed" if flaw == "good" else FLAWS[flaw], error):
            wrong.append(f"{flaw}: {error}")
    if wrong:
        raise Failed("; ".join(wrong))


def dial_flawed(attacker, dialer, context, flaw):
    process = Process([*attacker.command, "tls-attack", "--flaw", flaw, "--transport", context.stack.network], context.log)
    listener = start_listener("tls-attack", process, 20, lambda ready: (ready["listening"], None))
    try:
        client = dialer.start("ping", listener.address, context.stack, context.work, context.log, 10, "--count", 1)
        if client.wait(20) in (0, None):
            return "the ping came back"
        return dialer.error(client)
    finally:
        process.stop()
