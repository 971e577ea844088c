"""The jobs over loopback: each asks a client for one thing and turns its event into values."""
from dataclasses import dataclass

from figures import Value, per_gib
from peers import Failed, Listener, Run

MIB = 1 << 20
TRIAL_BYTES, TRIAL_GROWTH = 8 * MIB, 8
TRIAL_SECONDS = 0.1  # less says little about the speed: windows are still growing
# js-libp2p resets a request that comes in one piece with its end, so something goes up before every download.
A_LITTLE = 64 << 10
SMALLEST, LARGEST = 8 * MIB, 4096 * MIB
UNLIMITED = 100_000_000
LOADED_TIMES = 3  # pings beside an upload are few
KEPT_TIMES = 2    # the streams are opened first
STARTUP_SECONDS = 60  # that a client may need on top of its work


@dataclass(frozen=True)
class Scale:
    """How long a job measures, in seconds; how many bytes follows from the speed that is found."""
    seconds: float


class Comparison:
    """All jobs of one dialer with one listener, whose values go to `values`."""

    def __init__(self, values, scale, complain):
        self.values, self.scale, self.complain = values, scale, complain
        self.trials = {}  # (stack, pair, direction): the trial run, made once

    def run(self, dialer, listener, round_number, name, job):
        try:
            found = job(self, dialer, listener)
        except Failed as problem:
            self.complain(str(problem))
            return
        for metric, value in found.items():
            if value is not None:
                self.values.append(Value(listener.stack.name, name, metric, round_number, value))

    def timed(self, dialer, listener, mode, event, *flags, times=1):
        seconds = self.scale.seconds * times
        return Run(dialer, mode, listener, ["--count", UNLIMITED, "--for", seconds, *flags], event, seconds + STARTUP_SECONDS).event

    def transfer(self, dialer, listener, direction, size, streams):
        up, down = (size, 0) if direction == "up" else (A_LITTLE * streams, size)
        run = Run(dialer, "perf-client", listener, ["--upload", up, "--download", down, "--streams", streams], "perf", 120)
        seconds = run.event["uploadSeconds" if direction == "up" else "downloadSeconds"]
        return run, size / seconds / MIB

    def trial(self, dialer, listener, direction):
        """(bytes, run, MiB/s) of a small transfer, made once: says how much a timed one should move, and what a run costs
        before it moves anything."""
        key = listener.stack.name, dialer.name, listener.peer.name, direction
        if key not in self.trials:
            size = TRIAL_BYTES
            run, speed = self.transfer(dialer, listener, direction, size, 1)
            while size / MIB / speed < TRIAL_SECONDS and size * TRIAL_GROWTH < LARGEST:
                size *= TRIAL_GROWTH
                run, speed = self.transfer(dialer, listener, direction, size, 1)
            self.trials[key] = size, run, speed
        return self.trials[key]


def size_for(seconds, mib_per_second):
    """Bytes that take about so long; a multiple of 100, for 100 streams."""
    return int(min(max(mib_per_second * seconds * MIB, SMALLEST), LARGEST)) // 100 * 100


def throughput(direction, streams):
    def job(comparison, dialer, listener):
        small_size, small, speed = comparison.trial(dialer, listener, direction)
        size = size_for(comparison.scale.seconds, speed)
        run, found = comparison.transfer(dialer, listener, direction, size, streams)
        values = {f"{direction}_{streams}": found}
        if streams == 1:
            sides = {side: per_gib((small_size, getattr(small, side + "_cpu")), (size, getattr(run, side + "_cpu")))
                     for side in ("dialer", "listener")}
            values |= {f"cpu_{direction}_{side}": value for side, value in sides.items()}
            if None not in sides.values():
                values[f"cpu_{direction}"] = sum(sides.values())
        return values
    return job


def requests(key, in_flight, *flags, times=1):
    def job(comparison, dialer, listener):
        event = comparison.timed(dialer, listener, "rr", "rr-summary", "--open", in_flight, *flags, times=times)
        if not event["n"]:
            raise Failed(f"{dialer.name} rr {' '.join(flags)} {listener.stack.name}: no answer came in time")
        return {key: event["requestsPerSecond"]}
    return job


def pings(prefix, *flags, times=1):
    def job(comparison, dialer, listener):
        event = comparison.timed(dialer, listener, "ping", "ping-summary", *flags, times=times)
        if not event["n"]:
            raise Failed(f"{dialer.name} ping {' '.join(flags)} {listener.stack.name}: none came back in time")
        return {f"{prefix}_p50": event["median"], f"{prefix}_p90": event["p90"], f"{prefix}_p99": event["p99"]}
    return job


def connects(comparison, dialer, listener):
    return {"connects": comparison.timed(dialer, listener, "connect", "connect-summary")["connectionsPerSecond"]}


JOBS = {
    "upload, 1 stream": throughput("up", 1),
    "download, 1 stream": throughput("down", 1),
    "upload, 100 streams": throughput("up", 100),
    "download, 100 streams": throughput("down", 100),
    "requests, 1": requests("rr_1", 1),
    "requests, 16": requests("rr_16", 16),
    "requests, 256": requests("rr_256", 256),
    "requests, 64 connections": requests("rr_64c", 256, "--connections", 64),
    "requests, streams kept": requests("rr_kept", 256, "--keep", times=KEPT_TIMES),
    "pings": pings("ping"),
    "pings under load": pings("loaded", "--load", times=LOADED_TIMES),
    "connections": connects,
}


def pairs_of(peers, mixed):
    """(dialer, listener, name): each with itself, and with `mixed` Starling with each other in both roles."""
    pairs = [(each, each, each.name) for each in peers]
    ours = peers[0]
    for other in peers[1:] if mixed else []:
        pairs += [(ours, other, f"{ours.name}>{other.name}"), (other, ours, f"{other.name}>{ours.name}")]
    return pairs


def compare(comparison, pairs, stacks, rounds, chosen, progress):
    """Rounds outermost, so that a noisy minute hits everybody; in every other round the order is turned round."""
    for number in range(rounds):
        for stack in stacks:
            for dialer, peer, name in pairs if number % 2 == 0 else reversed(pairs):
                try:
                    listener = Listener(peer, stack)
                except Failed as problem:
                    comparison.complain(str(problem))
                    progress.skip(name, len(chosen))
                    continue
                with listener:
                    for what in chosen:
                        with progress.step(name, what, f"round {number + 1}/{rounds}  {stack.name}"):
                            comparison.run(dialer, listener, number, name, JOBS[what])
