"""Forwards UDP between one client and a server, and can come to the server from
another port, as a NAT does that forgot its mapping."""

import select
import socket
import threading


class UdpRelay:
    def __init__(self, server_port):
        self._front = self._socket()
        self._front.bind(("127.0.0.1", 0))
        self.port = self._front.getsockname()[1]
        self._server = ("127.0.0.1", int(server_port))
        self._client = None
        self._back = self._new_back()
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._seen = set()

    @staticmethod
    def _socket():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return sock

    def _new_back(self):
        back = self._socket()
        back.connect(self._server)
        return back

    @property
    def ports_used(self):
        """Ports by which the client's packets reached the server."""
        return len(self._seen)

    def rebind(self):
        old, self._back = self._back, self._new_back()
        self._waker.send(b"x")  # select() looks at the new socket
        old.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._waker.send(b"q")
        self._thread.join()
        for sock in (self._front, self._back, self._wake, self._waker):
            sock.close()

    def _run(self):
        while True:
            back = self._back
            try:
                ready, _, _ = select.select([self._front, back, self._wake], [], [])
            except (OSError, ValueError):
                continue  # the back socket was closed under us
            if self._wake in ready and self._wake.recv(1) == b"q":
                return
            self._forward(self._front in ready, back if back in ready else None)

    def _forward(self, from_client, back):
        try:
            if from_client:
                data, self._client = self._front.recvfrom(65536)
                self._back.send(data)
                self._seen.add(self._back.getsockname()[1])
            if back is not None and self._client:
                self._front.sendto(back.recv(65536), self._client)
        except OSError:
            pass  # the server is gone, or the socket changed: UDP loses packets
