"""The implementations under test: what they can do and how they are driven.

A foreign peer speaks the flags and events of ../README.md. Starling is driven by
its own command line; its answers are brought into the same shape.
"""

import shutil
import subprocess
import threading

from . import record
from .process import Process

SECURITIES = ("noise", "tls", "plaintext")
KEY_TYPES = ("ed25519", "secp256k1", "ecdsa", "rsa")
TEST_PROTOCOLS = {"/echo/1.0.0", "/starling/test/reset/1.0.0", "/starling/test/close/1.0.0"}
BASE_PROTOCOLS = {"/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/perf/1.0.0"}

FOREIGN_KEY_NAMES = {"ed25519": "Ed25519", "secp256k1": "secp256k1", "ecdsa": "ECDSA", "rsa": "RSA"}
LISTENER_LIFE_SECONDS = 3600


class Failed(Exception):
    """A test did not give what it should."""


class Listener:
    """A running listener and what it said about itself."""

    def __init__(self, process, address, identity):
        self.process = process
        self.address = address
        self.identity = identity

    def mark(self):
        """A position in the event stream, for wait_event(start=...)."""
        return len(self.process.events)


def start_listener(process, seconds, describe):
    ready = process.wait_event(lambda e: e.get("event") == "ready", seconds)
    if ready is None:
        code = process.stop()
        raise Failed(f"the listener did not get ready (exit code {code})")
    address, identity = describe(ready)
    return Listener(process, address, identity)


class Foreign:
    # Whether it sends, and understands, signed peer records as go and js do.
    signed_records = True

    def __init__(self, name, command, toolchain, artifact, muxers, key_types=KEY_TYPES):
        self.name = name
        self.command = command
        self.toolchain = toolchain
        self.artifact = artifact
        self.securities = SECURITIES
        self.muxers = muxers
        self.key_types = key_types

    def missing(self):
        """Why this peer cannot take part, or None."""
        if self.artifact.exists() and shutil.which(self.command[0]):
            return None
        for program in self.toolchain:
            if shutil.which(program) is None:
                return f"{program} is not installed"
        return f"not built: run tests/interop/build.sh {self.name}"

    def _flags(self, stack, key_type):
        flags = ["--security", stack.security, "--muxer", stack.muxer]
        return flags + (["--key-type", FOREIGN_KEY_NAMES[key_type]] if key_type else [])

    def listen(self, stack, key_type, work, log, *flags):
        process = Process(
            [*self.command, "listen", "--check", "--duration", LISTENER_LIFE_SECONDS,
             *self._flags(stack, key_type), *flags], log)

        def describe(ready):
            return ready["listening"][0], {
                "peer": ready["peerId"],
                "agentVersion": ready["agentVersion"],
                "protocolVersion": ready["protocolVersion"],
                "protocols": set(ready["protocols"]),
                "listenAddrs": ready["addrs"],
                "signedRecord": self.signed_records,
            }

        return start_listener(process, 60, describe)

    def _run(self, mode, address, stack, log, timeout, *flags, key_type=None):
        process = Process(
            [*self.command, mode, "--peer", address, "--timeout", timeout, *self._flags(stack, key_type), *flags], log)
        code = process.wait(timeout + 30)
        if code != 0:
            errors = [e.get("message", "") for e in process.events if e.get("event") == "error"]
            raise Failed(f"exit code {code}: {'; '.join(errors) or 'no error event'}")
        dialed = self._event(process, "dialed")
        for what in ("security", "muxer"):
            if dialed[what] != getattr(stack, what):
                raise Failed(f"{what} is {dialed[what]}, wanted {getattr(stack, what)}")
        return process

    def _event(self, process, name):
        event = process.wait_event(lambda e: e.get("event") == name, 0)
        if event is None:
            raise Failed(f"no {name} event")
        return event

    def ping(self, address, stack, work, log, timeout, key_type=None):
        process = self._run("ping", address, stack, log, timeout, "--count", 10, key_type=key_type)
        return self._event(process, "ping-summary")["n"]

    def identify(self, address, stack, work, log, timeout):
        process = self._run("identify", address, stack, log, timeout)
        result = dict(self._event(process, "identify"))
        result["localAddr"] = self._event(process, "dialed").get("localAddr")
        return result

    def perf(self, address, stack, work, log, timeout, size):
        process = self._run(
            "perf-client", address, stack, log, timeout, "--upload", size, "--download", size, "--check")
        result = self._event(process, "perf")
        return {
            "upload": (result["uploadBytes"], result["uploadSeconds"]),
            "download": (result["downloadBytes"], result["downloadSeconds"]),
        }

    def behaviour(self, mode, address, stack, work, log, timeout, *flags):
        return self._event(self._run(mode, address, stack, log, timeout, *flags), mode)


class Starling:
    """Starling's own program, see cli.md and `starling --help`."""

    name = "starling"
    securities = SECURITIES
    muxers = ("yamux", "mplex")
    key_types = KEY_TYPES
    signed_records = True

    def __init__(self, program):
        self.program = program
        self._keys = threading.Lock()

    def missing(self):
        return None if self.program.exists() else f"{self.program} does not exist: run ./dev build"

    def _key(self, role, key_type, work):
        if key_type is None:
            return []
        path = work / f"starling-{role}-{key_type}.key"
        with self._keys:
            if not path.exists():
                command = [str(self.program), "key", "generate", "--type", key_type, "--out", str(path)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=60)
                if done.returncode != 0:
                    raise Failed(f"key generate: {done.stderr.strip()}")
        return ["--key", path]

    def _stack(self, stack):
        return ["--security", stack.security, "--muxer", stack.muxer]

    def listen(self, stack, key_type, work, log):
        process = Process(
            [self.program, "daemon", "--listen", "/ip4/127.0.0.1/tcp/0", *self._stack(stack),
             *self._key("listener", key_type or "ed25519", work), "--test-protocols", "--perf", "--json"], log)

        def describe(ready):
            return ready["listen"][0], {
                "peer": ready["peer_id"],
                "agentVersion": ready.get("agent_version"),
                "protocolVersion": ready.get("protocol_version"),
                "protocols": set(ready["protocols"]) if "protocols" in ready else None,
                "listenAddrs": [address.split("/p2p/")[0] for address in ready["listen"]],
                "signedRecord": True,
            }

        return start_listener(process, 30, describe)

    def _run(self, command, address, stack, work, log, timeout, *flags, key_type=None):
        process = Process(
            [self.program, *command, address, *self._stack(stack), *self._key("dialer", key_type, work), *flags, "--json"], log)
        code = process.wait(timeout)
        if code != 0:
            last = process.events[-1] if process.events else "no output"
            raise Failed(f"exit code {'none, timed out' if code is None else code}: {last}")
        if not process.events:
            raise Failed("no result on stdout")
        return process.events[-1]

    def ping(self, address, stack, work, log, timeout, key_type=None):
        result = self._run(
            ["ping"], address, stack, work, log, timeout, "--count", 10, "--interval", "1ms", key_type=key_type)
        return result["received"]

    def identify(self, address, stack, work, log, timeout):
        result = self._run(["identify"], address, stack, work, log, timeout)
        envelope = bytes.fromhex(result.get("signed_peer_record_hex") or "")
        return {
            "peer": result["peer_id"],
            "agentVersion": result["agent_version"],
            "protocolVersion": result["protocol_version"],
            "protocols": result["protocols"],
            "listenAddrs": result["listen_addrs"],
            "observedAddr": result["observed_addr"],
            "signedPeerRecord": record.describe(envelope) if result["signed_peer_record"] else None,
        }

    def perf(self, address, stack, work, log, timeout, size):
        result = self._run(
            ["perf"], address, stack, work, log, timeout, "--upload", size, "--download", size, "--check")
        return {
            "upload": (result["upload_bytes"], result["upload_seconds"]),
            "download": (result["download_bytes"], result["download_seconds"]),
        }

    def behaviour(self, mode, address, stack, work, log, timeout, *flags):
        return self._run(["interop-client", mode], address, stack, work, log, timeout, *flags)


def foreign_peers(built):
    """The peers that tests/interop/build.sh makes in the folder built."""
    js = built / "js" / "peer.mjs"
    go = built / "go" / "gopeer"
    rust = built / "rust" / "target" / "release" / "rustpeer"
    peers = {
        # js-libp2p has no ECDSA identities.
        "js": Foreign("js", ["node", js], ["node", "npm"], js, ("yamux", "mplex"), ("ed25519", "secp256k1", "rsa")),
        # go-libp2p dropped mplex.
        "go": Foreign("go", [go], ["go"], go, ("yamux",)),
        "rust": Foreign("rust", [rust], ["cargo"], rust, ("yamux", "mplex")),
    }
    # rust-libp2p has records of its own form only, and by default sends none.
    peers["rust"].signed_records = False
    return peers
