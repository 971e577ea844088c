"""The redis protocol, as much as the runner needs."""


class Redis:
    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(None)
        self.input = connection.makefile("rb")

    def command(self, *args):
        parts = [str(arg).encode() for arg in args]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._answer()

    def _answer(self):
        line = self.input.readline()[:-2]
        kind, text = line[:1], line[1:].decode()
        if kind == b"-":
            raise RuntimeError(text)
        if kind == b"$":
            return None if text == "-1" else self.input.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return None if text == "-1" else [self._answer() for _ in range(int(text))]
        if not kind:
            raise ConnectionError("redis closed the connection")
        return text
