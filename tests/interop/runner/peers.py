"""The implementations under test: what they can do and how they are driven.

A foreign peer speaks the flags and events of ../README.md. Starling is driven by
its own command line; its answers are brought into the same shape.
"""

import shutil
import subprocess
import threading

from . import materials, record
from .process import Process
from .stack import MUXERS, TRANSPORTS, Stack

KEY_TYPES = ("ed25519", "secp256k1", "ecdsa", "rsa")
TEST_PROTOCOLS = {"/echo/1.0.0", "/starling/test/reset/1.0.0", "/starling/test/close/1.0.0"}
BASE_PROTOCOLS = {"/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/perf/1.0.0"}

FOREIGN_KEY_NAMES = {"ed25519": "Ed25519", "secp256k1": "secp256k1", "ecdsa": "ECDSA", "rsa": "RSA"}
LISTENER_LIFE_SECONDS = 3600


class Failed(Exception):
    """A test did not give what it should."""


class Listener:
    """A running listener and what it said about itself."""

    def __init__(self, name, process, addresses, identity):
        self.name = name
        self.process = process
        self.addresses = addresses
        self.address = addresses[0]
        self.identity = identity
        self.killed = False

    def mark(self):
        """A position in the event stream, for wait_event(start=...)."""
        return len(self.process.events)

    def kill(self):
        """Without a word, as a crash would."""
        self.killed = True
        self.process.kill()


def start_listener(name, process, seconds, describe):
    ready = process.wait_event(lambda e: e.get("event") == "ready", seconds)
    if ready is None:
        code = process.stop()
        raise Failed(f"the listener did not get ready (exit code {code})")
    return Listener(name, process, *describe(ready))


class Foreign:
    # Whether it sends, and understands, signed peer records as go and js do.
    signed_records = True
    # Whether it sends and shows the code of a reset.
    reset_codes = False
    # Streams it lets others hold open on a QUIC connection, if that is not to be changed.
    most_streams = None
    # Whether it has the mode crowd.
    crowds = True

    def __init__(self, name, command, toolchain, artifact, muxers, key_types=KEY_TYPES):
        self.name = name
        self.command = command
        self.toolchain = toolchain
        self.artifact = artifact
        self.transports = TRANSPORTS
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

    def speaks(self, stack):
        return stack.transport in self.transports and stack.muxer in (None, *self.muxers)

    def _flags(self, stack, key_type, work):
        return materials.flags(stack, work) + (["--key-type", FOREIGN_KEY_NAMES[key_type]] if key_type else [])

    def listen(self, stack, key_type, work, log, *flags, host="127.0.0.1"):
        process = Process(
            [*self.command, "listen", "--check", "--duration", LISTENER_LIFE_SECONDS, "--host", host,
             *self._flags(stack, key_type, work), *flags], log)

        def describe(ready):
            return ready["listening"], {
                "peer": ready["peerId"],
                "agentVersion": ready["agentVersion"],
                "protocolVersion": ready["protocolVersion"],
                "protocols": set(ready["protocols"]),
                "listenAddrs": ready["addrs"],
                "signedRecord": self.signed_records,
            }

        return start_listener(self.name, process, 60, describe)

    def start(self, mode, address, stack, work, log, timeout, *flags, key_type=None):
        return Process([*self.command, mode, "--peer", address, "--timeout", timeout,
                        *self._flags(stack, key_type, work), *flags], log)

    def _run(self, mode, address, stack, work, log, timeout, *flags, key_type=None):
        process = self.start(mode, address, stack, work, log, timeout, *flags, key_type=key_type)
        code = process.wait(timeout + 30)
        if code != 0:
            raise Failed(f"exit code {code}: {self.error(process) or 'no error event'}")
        dialed = self._event(process, "dialed")
        for what in ("security", "muxer"):
            if not stack.standalone and dialed[what] != getattr(stack, what):
                raise Failed(f"{what} is {dialed[what]}, wanted {getattr(stack, what)}")
        return process

    @staticmethod
    def error(process):
        return "; ".join(e.get("message", "") for e in process.events if e.get("event") == "error")

    @staticmethod
    def closed(process, start, seconds):
        """What a listener says about the end of a connection."""
        return process.wait_event(lambda e: e.get("event") == "connection-close", seconds, start)

    def _event(self, process, name):
        event = process.wait_event(lambda e: e.get("event") == name, 0)
        if event is None:
            raise Failed(f"no {name} event")
        return event

    def ping(self, address, stack, work, log, timeout, key_type=None):
        process = self._run("ping", address, stack, work, log, timeout, "--count", 10, key_type=key_type)
        return self._event(process, "ping-summary")["n"]

    def identify(self, address, stack, work, log, timeout):
        process = self._run("identify", address, stack, work, log, timeout)
        result = dict(self._event(process, "identify"))
        result["localAddr"] = self._event(process, "dialed").get("localAddr")
        return result

    def perf(self, address, stack, work, log, timeout, size):
        process = self._run(
            "perf-client", address, stack, work, log, timeout, "--upload", size, "--download", size, "--check")
        result = self._event(process, "perf")
        return {
            "upload": (result["uploadBytes"], result["uploadSeconds"]),
            "download": (result["downloadBytes"], result["downloadSeconds"]),
        }

    def behaviour(self, mode, address, stack, work, log, timeout, *flags):
        return self._event(self._run(mode, address, stack, work, log, timeout, *flags), mode)


class Starling:
    """Starling's own program, see `starling --help`."""

    name = "starling"
    muxers = MUXERS
    key_types = KEY_TYPES
    signed_records = True
    reset_codes = True
    most_streams = 256
    crowds = False

    def __init__(self, program):
        self.program = program
        self.command = [program]
        self.transports = ()
        self._keys = threading.Lock()

    def missing(self):
        return None if self.program.exists() else f"{self.program} does not exist: run ./dev build"

    def find_transports(self, work):
        """What this build can do is what it can listen on."""
        self.transports = tuple(name for name in TRANSPORTS if self._listens(name, work))

    def _listens(self, name, work):
        try:
            stack = Stack(name, "noise", "yamux")
            self.listen(stack, None, work, work / "starling-transports.log").process.stop()
        except Failed:
            return False
        return True

    def speaks(self, stack):
        return stack.transport in self.transports and stack.muxer in (None, *self.muxers)

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

    def listen(self, stack, key_type, work, log, *flags, host="127.0.0.1"):
        process = Process(
            [*self.command, "daemon", "--listen", stack.listen_address(host), *materials.flags(stack, work),
             *self._key("listener", key_type or "ed25519", work), "--test-protocols", "--perf", *flags, "--json"], log)

        def describe(ready):
            return ready["listen"], {
                "peer": ready["peer_id"],
                "agentVersion": ready.get("agent_version"),
                "protocolVersion": ready.get("protocol_version"),
                "protocols": set(ready["protocols"]) if "protocols" in ready else None,
                "listenAddrs": [address.split("/p2p/")[0] for address in ready["listen"]],
                "signedRecord": True,
            }

        return start_listener(self.name, process, 30, describe)

    def start(self, mode, address, stack, work, log, timeout, *flags, key_type=None):
        command = [mode] if mode in ("ping", "identify", "perf") else ["interop-client", mode]
        return Process([*self.command, *command, address, "--timeout", f"{timeout}s", *materials.flags(stack, work),
                        *self._key("dialer", key_type, work), *flags, "--json"], log)

    def _run(self, mode, address, stack, work, log, timeout, *flags, key_type=None):
        process = self.start(mode, address, stack, work, log, timeout, *flags, key_type=key_type)
        code = process.wait(timeout + 10)
        if code != 0:
            last = process.events[-1] if process.events else "no output"
            raise Failed(f"exit code {'none, timed out' if code is None else code}: {last}")
        if not process.events:
            raise Failed("no result on stdout")
        return process.events[-1]

    @staticmethod
    def error(process):
        return "; ".join(f"{e['code']}: {e['message']}" for e in process.events if e.get("event") == "error")

    @staticmethod
    def closed(process, start, seconds):
        return process.wait_event(lambda e: e.get("event") == "disconnected", seconds, start)

    def ping(self, address, stack, work, log, timeout, key_type=None):
        result = self._run(
            "ping", address, stack, work, log, timeout, "--count", 10, "--interval", "1ms", key_type=key_type)
        return result["received"]

    def identify(self, address, stack, work, log, timeout):
        result = self._run("identify", address, stack, work, log, timeout)
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
        result = self._run("perf", address, stack, work, log, timeout, "--upload", size, "--download", size, "--check")
        return {
            "upload": (result["upload_bytes"], result["upload_seconds"]),
            "download": (result["download_bytes"], result["download_seconds"]),
        }

    def behaviour(self, mode, address, stack, work, log, timeout, *flags):
        return self._run(mode, address, stack, work, log, timeout, *flags)


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
    peers["go"].reset_codes = True
    peers["go"].most_streams = 256
    return peers
