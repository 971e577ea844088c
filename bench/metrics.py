"""What is measured: the names of the figures, how they read, and what Starling is to reach."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    key: str
    heading: str
    group: str
    more_is_better: bool = True


METRICS = {metric.key: metric for metric in (
    Metric("up_1", "upload, 1 stream, MiB/s", "throughput"),
    Metric("down_1", "download, 1 stream, MiB/s", "throughput"),
    Metric("up_100", "upload, 100 streams, MiB/s", "throughput"),
    Metric("down_100", "download, 100 streams, MiB/s", "throughput"),
    Metric("cpu_up", "CPU s/GiB, upload, both sides", "processor", False),
    Metric("cpu_up_dialer", "CPU s/GiB, upload, dialer (sends)", "processor", False),
    Metric("cpu_up_listener", "CPU s/GiB, upload, listener (receives)", "processor", False),
    Metric("cpu_down", "CPU s/GiB, download, both sides", "processor", False),
    Metric("cpu_down_dialer", "CPU s/GiB, download, dialer (receives)", "processor", False),
    Metric("cpu_down_listener", "CPU s/GiB, download, listener (sends)", "processor", False),
    Metric("rr_1", "requests/s, 1 at a time", "requests"),
    Metric("rr_16", "requests/s, 16 at a time", "requests"),
    Metric("rr_256", "requests/s, 256 at a time", "requests"),
    Metric("rr_64c", "requests/s, 256 at a time over 64 connections", "requests"),
    Metric("rr_kept", "requests/s, 256 at a time, streams kept", "requests"),
    Metric("ping_p50", "ping p50, idle, ms", "latency", False),
    Metric("ping_p90", "ping p90, idle, ms", "latency", False),
    Metric("ping_p99", "ping p99, idle, ms", "latency", False),
    Metric("loaded_p50", "ping p50 beside an upload, ms", "latency", False),
    Metric("loaded_p90", "ping p90 beside an upload, ms", "latency", False),
    Metric("loaded_p99", "ping p99 beside an upload, ms", "latency", False),
    Metric("connects", "new connections/s", "connections"),
    Metric("idle_1000", "KiB per idle connection, 1,000", "memory", False),
    Metric("busy_1000", "KiB per busy connection, 1,000", "memory", False),
    Metric("idle_10000", "KiB per idle connection, 10,000", "memory", False),
    Metric("busy_10000", "KiB per busy connection, 10,000", "memory", False),
    Metric("trips", "connect and one exchange at 60 ms, round trips", "network", False),
    Metric("lossy_up", "upload at 60 ms and 1 % loss, MiB/s", "network"),
    Metric("lossy_down", "download at 60 ms and 1 % loss, MiB/s", "network"),
)}
GROUPS = ("throughput", "processor", "requests", "latency", "connections", "memory", "network")


@dataclass(frozen=True)
class Target:
    """`bound` of the ratio to the best other (at least if more is better, else at most), or of Starling's own figure."""
    what: str
    stack: str
    metrics: tuple
    bound: float
    own: bool = False


TCP_NOISE, TCP_TLS, QUIC = "tcp+noise", "tcp+tls", "quic-v1"
STACKS = (TCP_NOISE, TCP_TLS, QUIC)
# What the machine may add to the round trips of a connect, in round trips of 60 ms; the simulator counts exactly.
SLACK_TRIPS = 0.7
MODEL_SHARE = 0.8  # of the model limit, TCP with Noise and yamux

TARGETS = (
    *(Target("throughput, one stream", stack, ("up_1", "down_1"), 2.0) for stack in STACKS),
    Target("CPU seconds per GiB", TCP_NOISE, ("cpu_up", "cpu_down"), 0.5),
    *(Target("requests per second, 256 in flight", stack, ("rr_256",), 2.0) for stack in STACKS),
    *(Target("ping p99 under bulk load", stack, ("loaded_p99",), 0.5) for stack in STACKS),
    *(Target("new connections per second", stack, ("connects",), 1.5) for stack in (TCP_NOISE, TCP_TLS)),
    *(Target(f"connect and one exchange: {trips} round trips, and {SLACK_TRIPS} for the machine", stack, ("trips",),
             trips + SLACK_TRIPS, own=True) for stack, trips in ((TCP_NOISE, 3), (TCP_TLS, 3), (QUIC, 2))),
    Target("memory per idle connection, 1,000", TCP_NOISE, ("idle_1000",), 0.4),
    Target("memory per idle connection, 10,000", TCP_NOISE, ("idle_10000",), 0.4),
    Target("memory per idle connection, 1,000", QUIC, ("idle_1000",), 0.7),
    Target("memory per idle connection, 10,000", QUIC, ("idle_10000",), 0.7),
    Target("throughput at 60 ms and 1 % loss", TCP_NOISE, ("lossy_up", "lossy_down"), 1.3),
    Target("throughput at 60 ms and 1 % loss", QUIC, ("lossy_up", "lossy_down"), 1.3),
)
