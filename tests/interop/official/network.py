"""Where the processes of a test run: namespaces on a bridge, or plain loopback."""

import contextlib
import os
import socket
import subprocess
import threading

REDIS_PORT = 6379
ROLES = ("redis", "listener", "dialer")


def sh(*command, check=True):
    return subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Loopback:
    """Everything on 127.0.0.1, redis on a free port."""

    listener_ip = "127.0.0.1"

    def __init__(self, workers, tag):
        pass

    def up(self):
        pass

    def down(self):
        pass

    def command(self, role, worker, command):
        return command

    def redis_address(self, worker):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return "127.0.0.1", probe.getsockname()[1]

    def connect(self, worker, address):
        return socket.create_connection(address, timeout=5)


class Namespaces:
    """One bridge; for each worker three namespaces with an eth0 on it, as the
    official suite has three containers: 10.16.1.w redis, 10.16.2.w listener,
    10.16.3.w dialer."""

    listener_ip = "0.0.0.0"

    def __init__(self, workers, tag):
        self.workers = workers
        self.tag = tag
        self.made = []

    @staticmethod
    def permitted():
        probe = f"starling-probe-{os.getpid()}"
        try:
            sh("ip", "netns", "add", probe)
        except (OSError, subprocess.CalledProcessError):
            return False
        sh("ip", "netns", "del", probe, check=False)
        return True

    def name(self, role, worker):
        return f"{self.tag}-{role}{worker}"

    def up(self):
        bridge = f"{self.tag}-switch"
        self._add(bridge)
        sh("ip", "-n", bridge, "link", "add", "br0", "type", "bridge")
        sh("ip", "-n", bridge, "link", "set", "br0", "up")
        for worker in range(self.workers):
            for number, role in enumerate(ROLES, start=1):
                namespace, port = self.name(role, worker), f"{role[0]}{worker}"
                self._add(namespace)
                sh("ip", "link", "add", "eth0", "netns", namespace, "type", "veth", "peer", "name", port, "netns", bridge)
                sh("ip", "-n", bridge, "link", "set", port, "master", "br0", "up")
                sh("ip", "-n", namespace, "addr", "add", f"10.16.{number}.{worker + 1}/16", "dev", "eth0")
                sh("ip", "-n", namespace, "link", "set", "eth0", "up")
                sh("ip", "-n", namespace, "link", "set", "lo", "up")

    def _add(self, namespace):
        sh("ip", "netns", "add", namespace)
        self.made.append(namespace)

    def down(self):
        for namespace in reversed(self.made):
            sh("ip", "netns", "del", namespace, check=False)

    def command(self, role, worker, command):
        return ["ip", "netns", "exec", self.name(role, worker), *command]

    def redis_address(self, worker):
        return f"10.16.1.{worker + 1}", REDIS_PORT

    def connect(self, worker, address):
        """Connect from inside the namespace of redis, in a thread that then ends."""
        result = {}

        def inside():
            with contextlib.suppress(OSError), open(f"/var/run/netns/{self.name('redis', worker)}", "rb") as namespace:
                import ctypes

                libc = ctypes.CDLL("libc.so.6", use_errno=True)
                if libc.setns(namespace.fileno(), 0x40000000) == 0:
                    result["socket"] = socket.create_connection(address, timeout=5)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if "socket" not in result:
            raise ConnectionError("redis does not answer in its namespace")
        return result["socket"]
