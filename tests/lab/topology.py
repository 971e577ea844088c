"""Networks out of namespaces, veth pairs and wires. Addresses look public, because
programs treat private ones differently, and exist inside these namespaces only."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

SERVER4, CLIENT4, SECOND_CLIENT4, ROUTER4 = "11.22.33.10", "11.22.33.20", "11.22.33.21", "11.22.33.2"
INSIDE_CLIENT4, INSIDE_ROUTER4 = "10.1.0.20", "10.1.0.1"
SERVER6, CLIENT6 = "2a0c:11:22::10", "2a0c:11:22::20"

MASQUERADE = """
table ip nat {{
  chain post {{ type nat hook postrouting priority 100;
    oifname "wan0" meta l4proto {{ tcp, udp }} masquerade to :{first}-{last}
  }}
}}
"""
DROP_UDP = """
table inet filter {
  chain input { type filter hook input priority 0;
    meta l4proto udp drop
  }
}
"""


def build_wire():
    """The program that delays and loses; where it is."""
    wire = ROOT / "build" / "lab" / "wire"
    wire.parent.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("clang-19") or shutil.which("cc")
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", wire, HERE / "wire.c"], check=True)
    return wire


class Lab:
    """Owns everything that is made in it; leaving the context removes all of it."""

    def __init__(self, wire):
        self.wire = wire
        self.tag = f"sl{os.getpid()}"
        self.namespaces = []
        self.wires = []

    @staticmethod
    def lacking():
        """Why there can be no lab here, or None."""
        probe = f"sl{os.getpid()}-probe"
        try:
            sh("ip", "netns", "add", probe)
            sh("ip", "netns", "exec", probe, "nft", "list", "ruleset")
            sh("ip", "netns", "exec", probe, "ethtool", "--version")
        except (OSError, subprocess.CalledProcessError) as cause:
            detail = (getattr(cause, "stderr", "") or str(cause)).strip()
            return f"no network namespaces with nft and ethtool for this user: {detail}"
        finally:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.wires:
            process.send_signal(signal.SIGTERM)
            process.wait()
        for name in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def namespace(self, name):
        full = f"{self.tag}-{name}"
        sh("ip", "netns", "add", full)
        self.namespaces.append(full)
        sh("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def link(self, a, b, rtt_ms=0, loss_percent=0):
        """Joins interfaces of two namespaces, each (namespace, interface, addresses), by a wire."""
        middle = self.namespace(f"wire{len(self.wires)}")
        for port, (namespace, interface, addresses) in (("a", a), ("b", b)):
            sh("ip", "link", "add", interface, "netns", namespace, "type", "veth", "peer", "name", port, "netns", middle)
            for where, name in ((namespace, interface), (middle, port)):
                sh("ip", "netns", "exec", where, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
                sh("ip", "-n", where, "link", "set", "dev", name, "up")
            for address in addresses:
                sh("ip", "-n", namespace, "addr", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
        command = [self.wire, "a", "b", rtt_ms * 500, int(loss_percent * 10_000), 0, 0, 1]
        self.wires.append(subprocess.Popen(inside(middle, command), stderr=subprocess.DEVNULL))

    def pair(self, rtt_ms=0, loss_percent=0, v4=True):
        """A client and a server."""
        client, server = self.namespace("client"), self.namespace("server")
        addresses = [[f"{CLIENT6}/64"], [f"{SERVER6}/64"]]
        if v4:
            addresses = [[f"{CLIENT4}/24", *addresses[0]], [f"{SERVER4}/24", *addresses[1]]]
        self.link((client, "eth0", addresses[0]), (server, "eth0", addresses[1]), rtt_ms, loss_percent)
        return client, server

    def behind_nat(self, rtt_ms=0):
        """A client behind a router that translates addresses, and a server."""
        client, router, server = (self.namespace(name) for name in ("client", "router", "server"))
        self.link((client, "eth0", [f"{INSIDE_CLIENT4}/24"]), (router, "lan0", [f"{INSIDE_ROUTER4}/24"]))
        self.link((router, "wan0", [f"{ROUTER4}/24"]), (server, "eth0", [f"{SERVER4}/24"]), rtt_ms)
        sh("ip", "-n", client, "route", "add", "default", "via", INSIDE_ROUTER4)
        sh("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.map_to(router, 40000)
        return client, router, server

    def map_to(self, router, first_port):
        """Translate to a hundred ports from this one on."""
        nft(router, MASQUERADE.format(first=first_port, last=first_port + 99))

    def forget_mappings(self, router, first_port):
        """What a NAT does that restarts: other ports from now on, and the old ones are
        forgotten. The kernel drops masqueraded mappings with the address of the interface."""
        sh("ip", "netns", "exec", router, "nft", "flush", "ruleset")
        self.map_to(router, first_port)
        sh("ip", "-n", router, "addr", "del", f"{ROUTER4}/24", "dev", "wan0")
        sh("ip", "-n", router, "addr", "add", f"{ROUTER4}/24", "dev", "wan0")

    def block_udp(self, namespace):
        nft(namespace, DROP_UDP)

    def add_second_address(self, client):
        """One that stays when the first one goes; until then the kernel prefers the first."""
        sh("ip", "netns", "exec", client, "sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=1")
        sh("ip", "-n", client, "addr", "add", f"{SECOND_CLIENT4}/24", "dev", "eth0")

    def drop_first_address(self, client):
        sh("ip", "-n", client, "addr", "del", f"{CLIENT4}/24", "dev", "eth0")

    def set_link(self, namespace, state):
        sh("ip", "-n", namespace, "link", "set", "eth0", state)


def inside(namespace, command):
    return ["ip", "netns", "exec", namespace, *map(str, command)]


def nft(namespace, rules):
    subprocess.run(inside(namespace, ["nft", "-f", "-"]), input=rules, text=True, check=True, capture_output=True)


def sh(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, timeout=30)
