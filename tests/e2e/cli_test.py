#!/usr/bin/env python3
"""The starling program as its users and their scripts see it: forms of the command line, exit codes, messages, JSON.

    cli_test.py PATH/TO/starling
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

STARLING = os.path.abspath(sys.argv.pop(1))
SECONDS = 30
DATA_COMMANDS = ["daemon", "ping", "identify", "dial", "resolve", "perf", "key", "interop-client", "config", "gater", "limits",
                 "stats", "peers", "addresses", "metrics", "completions", "man"]


def run(*arguments, **options):
    return subprocess.run([STARLING, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS, **options)


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


class Daemon:
    """A running daemon; its `ready` line in `ready`."""

    def __init__(self, folder, *arguments, **options):
        key = pathlib.Path(folder) / "daemon.key"
        self.process = subprocess.Popen(
            [STARLING, "daemon", "--listen", "/ip4/127.0.0.1/tcp/0", "--key", str(key), "--json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.ready = json.loads(self.process.stdout.readline())
        self.address = self.ready["listen"][0]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=SECONDS)
        return self.process.returncode


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def daemon(self, *arguments, **options):
        daemon = Daemon(self.folder.name, *arguments, **options)
        self.addCleanup(lambda: daemon.process.poll() is None and daemon.stop())
        return daemon

    def test_every_command_has_help_with_an_example(self):
        for command in DATA_COMMANDS:
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            if command not in ("key",):
                self.assertIn("Example", done.stdout, command)

    def test_unknown_flags_and_commands_are_usage_errors_that_name_the_culprit(self):
        for arguments in (["daemon", "--lisen", "x"], ["pong"], [], ["ping"], ["key", "generate", "--type", "dsa", "--out", "f"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr.strip(), arguments)
        self.assertIn("--lisen", run("daemon", "--lisen", "x").stderr)

    def configuration(self, text):
        file = self.path / "node.toml"
        file.write_text(text)
        return file

    def test_a_configuration_is_checked_as_a_whole(self):
        file = self.configuration("[swarm]\nmax_conections = 3\nmax_dials = 0\n")
        done = run("config", "check", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("node.toml:2: no such key 'swarm.max_conections'; did you mean 'swarm.max_connections'?", done.stderr)
        self.assertIn("node.toml:3: swarm.max_dials = 0", done.stderr)
        self.assertEqual(run("daemon", "--config", file).returncode, 2)
        self.assertEqual(run("config", "check", self.configuration("swarm.max_dials = 5\n")).returncode, 0)
        self.assertEqual(run("config", "check", self.path / "missing.toml").returncode, 1)

    def test_the_configuration_says_who_set_a_value(self):
        file = self.configuration("profile = \"lan\"\nswarm.max_dials = 5\n")
        explain = lambda key, *more, **options: last_json(
            run("config", "explain", key, "--config", file, "--json", *more, **options).stdout)
        self.assertEqual(explain("swarm.max_dials")["origin"], f"{file}:2")
        self.assertEqual(explain("swarm.dial_delay")["origin"], "profile lan")
        self.assertEqual(explain("swarm.max_connections")["origin"], "default")
        variable = {**os.environ, "STARLING_SWARM_MAX_DIALS": "6"}
        self.assertEqual(explain("swarm.max_dials", env=variable)["origin"], "environment STARLING_SWARM_MAX_DIALS")
        self.assertEqual(explain("swarm.max_dials", "--set", "swarm.max_dials=7", env=variable)["value"], "7")

    def test_a_daemon_takes_its_configuration_from_a_file(self):
        file = self.configuration('[daemon]\nlisten = ["/ip4/127.0.0.1/tcp/0"]\n[identity]\nagent_version = "mine/1"\n')
        process = subprocess.Popen([STARLING, "daemon", "--config", str(file), "--data-dir", self.folder.name, "--json"],
                                   stdout=subprocess.PIPE, text=True)
        ready = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
        self.assertEqual(ready["agent_version"], "mine/1")
        self.assertEqual(len(ready["listen"]), 1)

    def test_a_daemon_shows_its_traffic_and_metrics_to_whoever_finds_its_file(self):
        folder = self.path / "data"
        daemon = self.daemon("--data-dir", str(folder), "--set", "diagnostics.port=0")
        self.assertFalse((folder / "api").exists())
        self.assertEqual(run("stats", "--data-dir", folder).returncode, 1)
        daemon.stop()
        daemon = self.daemon("--data-dir", str(folder))
        file = folder / "api"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(run("ping", daemon.address, "--count", "1").returncode, 0)
        stats = last_json(run("stats", "--data-dir", folder, "--json").stdout)
        self.assertIn("/ipfs/ping/1.0.0", [each["name"] for each in stats["protocols"]])
        self.assertIn("/ipfs/ping/1.0.0", run("stats", "--data-dir", folder).stdout)
        metrics = run("metrics", "--api", file.read_text().strip()).stdout
        self.assertIn('libp2p_protocol_bytes_total{protocol="/ipfs/ping/1.0.0",dir="inbound"} 32\n', metrics)
        self.assertIn("process_open_fds ", metrics)
        self.check_metrics(metrics)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(file.exists())

    def test_a_daemon_shows_its_peers_and_addresses_and_keeps_its_book(self):
        folder = self.path / "data"
        daemon = self.daemon("--data-dir", str(folder))
        shown = last_json(run("addresses", "--data-dir", folder, "--json").stdout)
        self.assertEqual([(each["announced"], each["reason"]) for each in shown["addresses"]], [(True, "listening")])
        self.assertIn(" listening", run("addresses", "--data-dir", folder).stdout)
        client = subprocess.Popen([STARLING, "ping", daemon.address, "--count", "1000", "--interval", "50ms", "--json"],
                                  stdout=subprocess.PIPE, text=True)
        client.stdout.readline()  # the first answer: it is connected
        peers = last_json(run("peers", "--data-dir", folder, "--json").stdout)
        self.assertEqual((peers["count"], peers["connections"][0]["direction"]), (1, "inbound"))
        self.assertIn("1 connections", run("peers", "--data-dir", folder).stdout)
        limits = last_json(run("limits", "--data-dir", folder, "--json").stdout)
        self.assertEqual(limits["scopes"][0]["used"]["connections"], 1)
        self.assertIn("system", run("limits", "--data-dir", folder).stdout)
        self.assertIn(peers["connections"][0]["peer_id"], run("limits", "--peers", "--data-dir", folder).stdout)
        self.assertEqual(last_json(run("peers", "--all", "--data-dir", folder, "--json").stdout)["peers"], 1)
        self.assertIn("1 peers", run("peers", "--all", "--data-dir", folder).stdout)
        client.terminate()
        client.communicate(timeout=SECONDS)
        book = folder / "addresses.db"
        self.assertEqual(stat.S_IMODE(book.stat().st_mode), 0o600)
        second = run("daemon", "--listen", "/ip4/127.0.0.1/tcp/0", "--key", self.path / "k", "--data-dir", folder)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process has it open", second.stderr)
        daemon.process.kill()
        daemon.process.communicate(timeout=SECONDS)
        self.assertEqual(self.daemon("--data-dir", str(folder)).stop(), 0)
        book.write_bytes(b"no database" * 1000)
        daemon = self.daemon("--data-dir", str(folder))
        daemon.process.send_signal(signal.SIGTERM)
        self.assertIn("the address book starts empty", daemon.process.communicate(timeout=SECONDS)[1])
        self.assertTrue((folder / "addresses.db.broken").exists())

    def check_metrics(self, text):
        promtool = shutil.which("promtool")  # of the Debian package prometheus
        if promtool:
            done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_diagnostics_port_that_was_asked_for_and_is_taken_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("daemon", "--listen", "/ip4/127.0.0.1/tcp/0", "--data-dir", self.folder.name, "--set",
                       f"diagnostics.port={port}")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another program listens", done.stderr)
        done = run("daemon", "--listen", "/ip4/127.0.0.1/tcp/0", "--data-dir", self.folder.name, "--set",
                   "diagnostics.address=0.0.0.0")
        self.assertIn("diagnostics.allow_remote", done.stderr)

    def test_keys_of_every_type_are_made_with_mode_0600_and_shown(self):
        for kind in ("ed25519", "secp256k1", "ecdsa", "rsa"):
            file = self.path / kind
            made = run("key", "generate", "--type", kind, "--out", file, "--json")
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
            shown = run("key", "show", file, "--json")
            self.assertEqual(json.loads(shown.stdout)["peer_id"], json.loads(made.stdout)["peer_id"])
            self.assertEqual(json.loads(shown.stdout)["type"], kind)

    def test_a_key_file_is_never_overwritten(self):
        file = self.path / "k"
        run("key", "generate", "--out", file)
        before = file.read_bytes()
        again = run("key", "generate", "--out", file)
        self.assertEqual(again.returncode, 1)
        self.assertIn(str(file), again.stderr)
        self.assertEqual(file.read_bytes(), before)

    def test_a_key_file_that_others_can_read_is_refused_with_the_remedy(self):
        file = self.path / "k"
        run("key", "generate", "--out", file)
        file.chmod(0o644)
        for arguments in (["key", "show", file], ["daemon", "--key", file, "--listen", "/ip4/127.0.0.1/tcp/0"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn("chmod", done.stderr)
            self.assertIn(str(file), done.stderr)

    def test_an_unreadable_or_broken_key_file_is_named(self):
        self.assertIn("absent", run("key", "show", self.path / "absent").stderr)
        broken = self.path / "broken"
        broken.write_bytes(b"not a key")
        broken.chmod(0o600)
        done = run("key", "show", broken)
        self.assertEqual(done.returncode, 1)
        self.assertIn("broken", done.stderr)

    def test_a_malformed_address_tells_what_is_wrong_with_it(self):
        for address, word in (("/ip4/300.1.1.1/tcp/1", "300.1.1.1"), ("nonsense", "nonsense"), ("/ip4/127.0.0.1/tcp/1", "/p2p/")):
            done = run("ping", address)
            self.assertEqual(done.returncode, 2, address)
            self.assertIn(word, done.stderr)

    def test_a_port_in_use_is_named_with_what_to_do(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = run("daemon", "--listen", f"/ip4/127.0.0.1/tcp/{port}", "--key", self.path / "k")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(port), done.stderr)
        self.assertIn("AddressInUse", done.stderr)

    def test_two_daemons_do_not_share_a_port(self):
        daemon = self.daemon()
        port = daemon.address.split("/")[4]
        done = run("daemon", "--listen", f"/ip4/127.0.0.1/tcp/{port}", "--key", self.path / "second")
        self.assertEqual(done.returncode, 1)
        self.assertIn("AddressInUse", done.stderr)

    def test_the_daemon_says_ready_first_keeps_its_identity_and_ends_cleanly_on_signals(self):
        ids = []
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.daemon()
            self.assertEqual(daemon.ready["event"], "ready")
            self.assertTrue(daemon.address.endswith("/p2p/" + daemon.ready["peer_id"]))
            ids.append(daemon.ready["peer_id"])
            self.assertEqual(daemon.stop(number), 0)
        self.assertEqual(ids[0], ids[1])

    def test_the_daemon_takes_as_many_descriptors_as_the_hard_limit_allows(self):
        hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4096)
        daemon = self.daemon(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        self.assertEqual(resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE), (hard, hard))

    def test_ping_reports_counts_and_times(self):
        result = run("ping", self.daemon().address, "--count", 3, "--interval", "1ms", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = last_json(result.stdout)
        self.assertEqual((summary["sent"], summary["received"]), (3, 3))
        times = summary["rtt_us"]
        self.assertLessEqual(times["min"], times["median"])
        self.assertLessEqual(times["median"], times["max"])

    def until(self, wanted):
        """Runs `wanted` until it is true, for ten seconds."""
        end = time.monotonic() + 10
        while not wanted():
            self.assertLess(time.monotonic(), end, "it did not come about")
            time.sleep(0.2)

    def test_rules_of_the_gater_are_kept_and_reach_a_running_daemon(self):
        data = ["--data-dir", self.path / "data"]
        daemon = self.daemon(*map(str, data))
        ping = lambda: run("ping", daemon.address, "--count", 1, "--timeout", "5s").returncode
        self.assertEqual(ping(), 0)
        self.assertEqual(run("gater", "deny", "127.0.0.0/8", "/ip4/192.0.2.1/tcp/4001", *data).returncode, 0)
        self.assertEqual(run("gater", "list", *data).stdout,
                         "deny ip 127.0.0.0/8\ndeny address /ip4/192.0.2.1/tcp/4001\n")
        self.assertEqual(stat.S_IMODE((self.path / "data" / "gater.rules").stat().st_mode), 0o600)
        self.until(lambda: ping() == 1)
        self.assertEqual(run("gater", "allow", "127.0.0.1", *data).returncode, 0)
        self.until(lambda: ping() == 0)
        self.assertEqual(run("gater", "remove", "127.0.0.1", "127.0.0.0/8", *data).returncode, 0)
        self.assertEqual(run("gater", "remove", "127.0.0.1", *data).returncode, 1)
        wrong = run("gater", "deny", "nobody", *data)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'nobody' is no peer id", wrong.stderr)

    def test_quic_serves_beside_tcp_and_says_what_was_agreed(self):
        daemon = self.daemon("--perf", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
        quic = daemon.ready["listen"][1]
        self.assertIn("/quic-v1/p2p/", quic)
        self.assertEqual(last_json(run("identify", quic, "--json").stdout)["muxer"], "/quic-v1")
        result = run("perf", quic, "--upload", "4MiB", "--download", "4MiB", "--check", "--json")
        self.assertEqual(last_json(result.stdout)["download_bytes"], 4 << 20, result.stderr)
        only_tcp = run("ping", quic, "--count", 1, "--transport", "tcp")
        self.assertEqual(only_tcp.returncode, 1)
        self.assertIn("no transport of this node dials", only_tcp.stderr)

    def test_identify_shows_what_the_daemon_says(self):
        daemon = self.daemon()
        result = last_json(run("identify", daemon.address, "--json").stdout)
        self.assertEqual(result["peer_id"], daemon.ready["peer_id"])
        self.assertTrue(result["agent_version"].startswith("starling/"))
        self.assertIn("/ipfs/ping/1.0.0", result["protocols"])
        self.assertTrue(result["signed_peer_record"])
        self.assertTrue(result["observed_addr"].startswith("/ip4/127.0.0.1/tcp/"))
        self.assertEqual([a + "/p2p/" + result["peer_id"] for a in result["listen_addrs"]], daemon.ready["listen"])

    def test_every_security_and_muxer_can_be_chosen(self):
        address = self.daemon().address
        for security in ("noise", "tls"):
            for muxer in ("yamux", "mplex"):
                result = run("identify", address, "--security", security, "--muxer", muxer, "--json")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(muxer, last_json(result.stdout)["muxer"])

    def test_plaintext_needs_to_be_asked_for_on_both_sides(self):
        daemon = self.daemon()
        self.assertEqual(run("ping", daemon.address, "--security", "plaintext").returncode, 1)
        daemon.stop()
        self.assertEqual(run("ping", self.daemon("--security", "plaintext").address, "--security", "plaintext", "--count", 1).returncode, 0)

    def test_perf_moves_the_bytes_asked_for_with_the_right_content(self):
        result = run("perf", self.daemon("--perf").address, "--upload", "5MiB", "--download", "3MiB", "--streams", 2, "--check", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = last_json(result.stdout)
        self.assertEqual((summary["upload_bytes"], summary["download_bytes"]), (5 << 20, 3 << 20))
        for field in ("upload_seconds", "download_seconds", "connect_seconds"):
            self.assertGreater(summary[field], 0)

    def test_perf_is_off_unless_asked_for(self):
        result = run("perf", self.daemon().address, "--upload", "1MiB")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/perf/1.0.0", result.stderr)

    def test_dial_explains_a_refused_connection(self):
        daemon = self.daemon()
        daemon.stop()
        result = run("dial", daemon.address, "--explain", "--json")
        self.assertEqual(result.returncode, 1)
        report = json.loads(result.stdout.splitlines()[0])
        self.assertFalse(report["connected"])
        self.assertEqual(report["attempts"][0]["outcome"], "failed")
        self.assertIn("ConnectionRefused", report["attempts"][0]["error"])

    def test_another_peer_than_named_is_refused_and_both_are_named(self):
        daemon = self.daemon()
        other = json.loads(run("key", "generate", "--out", self.path / "other", "--json").stdout)["peer_id"]
        for security in ("noise", "tls"):
            result = run("ping", daemon.address.replace(daemon.ready["peer_id"], other), "--security", security)
            self.assertEqual(result.returncode, 1)
            self.assertIn(other, result.stderr)
            self.assertIn(daemon.ready["peer_id"], result.stderr)

    def test_a_silent_peer_times_out_with_code_3(self):
        peer = json.loads(run("key", "generate", "--out", self.path / "other", "--json").stdout)["peer_id"]
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            result = run("ping", f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer}", "--timeout", "500ms")
        self.assertEqual(result.returncode, 3)
        self.assertIn("time", result.stderr.lower())

    def test_behaviours_for_interop_pass_against_ourselves(self):
        address = self.daemon("--test-protocols").address
        for behaviour in ("streams", "half-close", "reset", "close-during-write"):
            result = run("interop-client", behaviour, address, "--json")
            self.assertEqual(result.returncode, 0, behaviour + result.stderr)

    def test_echoes_of_more_than_a_connection_window_come_back_on_many_streams(self):
        quic = self.daemon("--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--test-protocols").ready["listen"][1]
        result = run("interop-client", "streams", quic, "--count", 200, "--size", 20000, "--timeout", "20s", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_man_page_and_the_completions_know_every_command(self):
        man = run("man").stdout
        self.assertTrue(man.startswith(".TH STARLING 1"))
        for command in DATA_COMMANDS:
            self.assertIn(command.replace("-", "\\-"), man)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("identify", run("completions", shell).stdout)
        script = self.path / "completion"
        script.write_text(run("completions", "bash").stdout)
        self.assertEqual(subprocess.run(["bash", "-n", str(script)], check=False).returncode, 0)

    def test_everything_leaves_by_the_working_folder_untouched(self):
        before = sorted(os.listdir(self.path))
        run("man", cwd=self.path)
        run("ping", "nonsense", cwd=self.path)
        self.assertEqual(sorted(os.listdir(self.path)), before)


if __name__ == "__main__":
    unittest.main()
