#!/usr/bin/env python3
"""`starling resolve` against name servers of other makes on the loopback: dnsmasq for plain DNS, Python's http.server
and ssl in front of it for DNS over HTTPS.

    names_test.py PATH/TO/starling
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

STARLING = os.path.abspath(sys.argv.pop(1))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
DNSMASQ = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
SECONDS = 30
PEER = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
OTHER = "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD"
RECORDS = [
    "--host-record=x.test,192.0.2.1,2001:db8::1",
    "--host-record=four.test,192.0.2.4",
    "--cname=alias.test,x.test",
    f"--txt-record=_dnsaddr.boot.test,dnsaddr=/dnsaddr/sv.test/p2p/{PEER}",
    f"--txt-record=_dnsaddr.boot.test,dnsaddr=/ip4/192.0.2.9/tcp/9/p2p/{OTHER}",
    f"--txt-record=_dnsaddr.sv.test,dnsaddr=/dns/x.test/udp/4001/quic-v1/p2p/{PEER}",
    f"--txt-record=_dnsaddr.sv.test,dnsaddr=/ip4/192.0.2.2/tcp/4001/p2p/{PEER}",
    "--txt-record=_dnsaddr.sv.test,dnsaddr=/not/a/multiaddr",
    "--txt-record=_dnsaddr.loop.test,dnsaddr=/dnsaddr/loop.test",
] + [f"--txt-record=_dnsaddr.big.test,dnsaddr=/ip4/192.0.2.{i}/tcp/4001/p2p/{PEER}" for i in range(40)]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, query, seconds=5):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.sendto(query, ("127.0.0.1", port))
        return client.recv(65535)


class Dnsmasq:
    def __init__(self):
        self.port = free_port(socket.SOCK_DGRAM)
        self.process = subprocess.Popen(
            [DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-daemon",
             "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={self.port}", "--local=/test/",
             "--local-ttl=77", *RECORDS], stderr=subprocess.DEVNULL)
        query = bytes.fromhex("000101000001000000000000" "0178" "0474657374" "00" "0001" "0001")
        for _ in range(100):
            try:
                ask(self.port, query, 0.2)
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("dnsmasq does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait(SECONDS)


class DohServer:
    """Hands the queries it is posted to dnsmasq."""

    def __init__(self, folder, dns_port):
        self.seen, self.status = [], 200
        text = (SOURCE / "tests/support/web_certificate.hpp").read_text()
        blocks = re.findall(r"-----BEGIN.*?-----END [A-Z ]*-----\n", text, re.S)
        self.ca = folder / "ca.pem"
        self.ca.write_text(blocks[0])
        (folder / "server.pem").write_text(blocks[0] + blocks[1])
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, self.headers["Content-Type"], self.headers["Host"], self.client_address))
                reply = ask(dns_port, query)
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/dns-message")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        context.set_alpn_protocols(["http/1.1"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Resolve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dns = Dnsmasq()
        cls.doh = DohServer(pathlib.Path(cls.folder.name), cls.dns.port)

    @classmethod
    def tearDownClass(cls):
        cls.doh.stop()
        cls.dns.stop()
        cls.folder.cleanup()

    def resolve(self, *arguments):
        done = subprocess.run([STARLING, "resolve", "--json", *arguments], capture_output=True, text=True,
                              timeout=SECONDS)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, {event: [line for line in lines if line["event"] == event]
                                 for event in ("lookup", "address", "unresolved", "error")}

    def plain(self, *addresses):
        return self.resolve(*addresses, "--dns-server", f"127.0.0.1:{self.dns.port}")

    def over_https(self, *addresses, host="localhost"):
        return self.resolve(*addresses, "--dns-resolver", f".=https://{host}:{self.doh.port}/dns-query", "--dns-ca",
                            str(self.doh.ca))

    def check_names(self, ask_for):
        code, found = ask_for("/dns/x.test/tcp/1", "/dns6/alias.test/tcp/2", "/dns4/four.test/tcp/443/wss")
        self.assertEqual(code, 0)
        self.assertEqual([each["address"] for each in found["address"]],
                         ["/ip4/192.0.2.1/tcp/1", "/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8::1/tcp/2",
                          "/ip4/192.0.2.4/tcp/443/wss"])
        self.assertEqual(found["address"][3]["host_name"], "four.test")

    def check_dnsaddr(self, ask_for):
        code, found = ask_for(f"/dnsaddr/boot.test/p2p/{PEER}")
        self.assertEqual(code, 0)
        self.assertEqual(sorted(each["address"] for each in found["address"]),
                         [f"/ip4/192.0.2.1/udp/4001/quic-v1/p2p/{PEER}", f"/ip4/192.0.2.2/tcp/4001/p2p/{PEER}",
                          f"/ip6/2001:db8::1/udp/4001/quic-v1/p2p/{PEER}"])
        self.assertEqual([(each["type"], each["name"]) for each in found["lookup"]][:2],
                         [("TXT", "_dnsaddr.boot.test"), ("TXT", "_dnsaddr.sv.test")])
        self.assertEqual((found["lookup"][1]["records"], found["lookup"][1]["used"]), (3, 2))

    def test_names_of_both_families_and_aliases(self):
        self.check_names(self.plain)

    def test_dnsaddr_leads_through_records_to_the_peer(self):
        self.check_dnsaddr(self.plain)

    def test_a_reply_too_large_for_a_datagram_comes_over_tcp(self):
        code, found = self.plain("/dnsaddr/big.test")
        self.assertEqual(code, 0)
        self.assertEqual((found["lookup"][0]["records"], found["lookup"][0]["used"]), (40, 16))

    def test_what_fails_is_told_by_name_type_and_server(self):
        code, found = self.plain("/dns4/gone.test/tcp/1", "/dnsaddr/loop.test", "/dns6/four.test/tcp/1")
        self.assertEqual(code, 1)
        self.assertEqual([each["code"] for each in found["unresolved"]], ["NameNotFound", "NameLoop", "NoRecords"])
        self.assertIn(f"A gone.test from 127.0.0.1:{self.dns.port}", found["unresolved"][0]["message"])
        closed = free_port(socket.SOCK_DGRAM)
        code, found = self.resolve("/dns4/x.test/tcp/1", "--dns-server", f"127.0.0.1:{closed}")
        self.assertEqual((code, found["unresolved"][0]["code"]), (1, "NameServerFailed"))

    def test_over_https_the_answers_are_the_same_on_one_connection_each(self):
        self.check_names(self.over_https)
        self.doh.seen.clear()
        self.check_dnsaddr(self.over_https)
        self.assertEqual({entry[:3] for entry in self.doh.seen},
                         {("/dns-query", "application/dns-message", f"localhost:{self.doh.port}")})
        self.assertEqual(len(self.doh.seen), 4)
        self.assertLessEqual(len({entry[3] for entry in self.doh.seen}), 2)

    def test_over_https_failures_tell_the_cause(self):
        self.assertEqual(self.over_https("/dns4/gone.test/tcp/1")[1]["unresolved"][0]["code"], "NameNotFound")
        self.doh.status = 503
        self.addCleanup(setattr, self.doh, "status", 200)
        message = self.over_https("/dns4/x.test/tcp/1")[1]["unresolved"][0]["message"]
        self.assertIn(f"A x.test from https://localhost:{self.doh.port}/dns-query", message)
        self.assertIn("HTTP status 503", message)

    def test_an_https_server_whose_certificate_is_not_trusted_is_not_asked(self):
        self.doh.seen.clear()
        code, found = self.resolve("/dns4/x.test/tcp/1", "--dns-resolver",
                                   f"test=https://localhost:{self.doh.port}/dns-query")
        self.assertEqual(code, 1)
        self.assertIn("no trusted authority vouches", found["unresolved"][0]["message"])
        self.assertEqual(self.doh.seen, [])

    def test_mistakes_on_the_command_line_are_usage_errors(self):
        for arguments in (["/nonsense/x"], ["/dns/x.test", "--dns-server", "dns.example"],
                          ["/dns/x.test", "--dns-resolver", "eth=http://x/"]):
            self.assertEqual(self.resolve(*arguments)[0], 2, arguments)


if __name__ == "__main__":
    unittest.main(verbosity=2)
