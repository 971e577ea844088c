"""What a connection is made of: transport, private network, security and muxer."""

import collections

TRANSPORTS = ("tcp", "quic-v1", "ws", "wss", "tcp+pnet", "ws+pnet")
SECURITIES = ("noise", "tls", "plaintext")
MUXERS = ("yamux", "mplex")

# These bring their own security and muxer.
STANDALONE = {"quic-v1"}


class Stack(collections.namedtuple("Stack", "transport security muxer")):
    def __str__(self):
        return "/".join(part for part in self if part)

    @property
    def network(self):
        """The transport as the programs name it, or a comma list of them."""
        return self.transport.split("+")[0]

    @property
    def private(self):
        return self.transport.endswith("pnet")

    @property
    def wrong(self):
        """Whether this is the side with the wrong network key, or the wrong CA."""
        return "+wrong" in self.transport

    def as_wrong(self):
        return self._replace(transport=self.network + ("+wrong-pnet" if self.private else "+wrong"))

    @property
    def standalone(self):
        return self.transport in STANDALONE

    def listen_address(self, host="127.0.0.1", port=0):
        ip = f"/ip6/{host}" if ":" in host else f"/ip4/{host}"
        return {
            "tcp": f"{ip}/tcp/{port}", "quic-v1": f"{ip}/udp/{port}/quic-v1",
            "ws": f"{ip}/tcp/{port}/ws", "wss": f"{ip}/tcp/{port}/tls/ws",
        }[self.network.split(",")[0]]


QUIC = Stack("quic-v1", None, None)


def stacks(transport):
    """Every stack over a transport. TCP has all of them; what runs on top of a byte
    stream is the same for the others, so they have a choice that differs."""
    if transport in STANDALONE:
        return [Stack(transport, None, None)]
    if transport == "tcp":
        return [Stack(transport, security, muxer) for security in SECURITIES for muxer in MUXERS]
    some = [Stack(transport, "noise", "yamux"), Stack(transport, "tls", "yamux")]
    return some + ([Stack(transport, "noise", "mplex")] if transport == "ws" else [])


def is_quick(stack):
    if stack.transport == "tcp":
        return stack.muxer == "yamux" and stack.security in ("noise", "tls")
    return stack.standalone or stack[1:] == ("noise", "yamux")
