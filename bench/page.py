"""docs/performance.md: the tables with what one must know to read and repeat them."""
import pathlib

from report import behind, headline, markdown_table, tables

NOTES = pathlib.Path(__file__).resolve().parent / "notes.md"

INTRODUCTION = """# Performance

Written by `./dev bench --write`; do not edit. The same jobs with Starling, go-libp2p, rust-libp2p and js-libp2p, each
implementation with itself as two processes over loopback, in one run, beside what the machine can do at best. Look at
the ratios: absolute figures belong to one machine. Each cell is the median, with the lowest and the highest of the
rounds; the last column is Starling's median divided by that of the best other.
"""

METHOD = """## How it is measured

- **Peers**: one scriptable program per implementation (`bench/peer`, `tests/interop/{go,rust,js}`) with the same flags,
  jobs and events; newest releases, release builds, default settings, limits on connections and streams lifted in all.
  Runtimes are as their users get them: `GOMAXPROCS`, tokio's workers and node's flags are left alone.
- **Order**: rounds outermost, in each round every stack, in each stack every implementation, every second round in the
  reverse order. A noisy minute hits everybody.
- **Set for all, put back afterwards**: the system's TCP congestion control is cubic (with bbr, loopback has two humps);
  `net.core.rmem_max` and `wmem_max` at 8 MiB, as go-libp2p recommends for QUIC; the limit of descriptors.
- **Congestion control** is what each takes by default. TCP: go, rust and js have the system's, cubic. Starling has it too
  over loopback, and bbr over paths of 10 ms or more (`transport.congestion = auto`), which of these jobs are those on
  the emulated link; `--set transport.congestion=system` gives it cubic there, too. QUIC: each its own, Starling bbr
  (`--set quic.congestion=cubic`).
- **Datagrams of QUIC**, too: Starling's grow to 4,096 bytes where path and peer take them, which loopback and another
  Starling do; those of go and rust to 1,452 (Ethernet). `--set quic.max_udp_payload=1452` gives Starling the same.
- **Cores** are not pinned: go, rust and js use several threads and one core for each side would take that from them.
  `--pin` gives each side one core, for a comparison of single cores.
- **Transfers** are sized after a trial to last about as long as any other job. Upload: until the listener has read all
  and answered. CPU seconds: those of the whole process over user and system, of a large transfer less those of a small
  one, per GiB of the difference.
- **Requests**: `/starling-bench/rr/1.0.0`, 64 bytes there and 64 back. As users do it, every request opens a stream,
  agrees on the protocol, and closes the stream; "streams kept" sends one request after the other on each of 256 streams
  of one connection, their opening included. 64 connections are those of 64 nodes in one process.
- **Pings** beside an upload: on another stream of the same connection, which uploads as fast as it can. Whether an
  upload is fast or slow is not weighed.
- **New connections**: dial, handshake, one ping, close, one after the other.
- **Memory**: growth of the listener's resident set for each connection, 2 s after identify has run on the last one;
  busy: each has a stream with one request a second. The same process of ours opens them for every listener.
  A listener that takes them slowly is measured with as many as it took in 40 s, at least a quarter.
- **The link** of 60 ms is one of `tests/lab`, between two namespaces; 1 % of the packets are lost in each direction.
  With loss every peer has five links, all at work at once, because chance decides a single transfer. Left out without
  root.
- **Two runs** agree on two peers in a row of a table if the same one is ahead in both. They contradict each other
  if the other one is ahead and in neither run the spreads of the two overlap; else the two are too close to tell.
- **Model limit**: each side of TCP, Noise and yamux spends its processor time on framing with the socket and on the
  cipher: 1 / (1 / framing + 1 / cipher) for sender and receiver, the slower of the two, from this run's own figures,
  measured before and after the jobs; the better one counts.
"""


def repeat(command, seconds, machine, settings, versions):
    lines = ["## How to repeat it", "", "```", command, "```", "",
             f"On a quiet machine, as root; it took {seconds / 60:.0f} minutes here. `--quick` takes four and proves only that everything runs.", ""]
    rows = [["date", machine["date"]], ["Starling", machine["commit"]], ["processor", f"{machine['cpu']}, {machine['cores']} cores"],
            ["kernel", machine["kernel"]], ["load before", str(machine["load"])],
            *([name, value] for name, value in settings.items()),
            *([name, ", ".join(f"{what.removeprefix('github.com/libp2p/')} {version}" for what, version in sorted(found.items()))] for name, found in versions.items() if found)]
    return lines + markdown_table(["", ""], rows)


def behind_lines(figures):
    found = behind(figures)
    if not found:
        return ["## Where Starling is behind", "", "Nowhere in this run.", ""]
    return ["## Where Starling is behind", "", *(f"- {headline(stack)}: {heading}: {ratio:.2f} of the best other" for stack, heading, ratio in found), ""]


def markdown(figures, limits, plots, command, seconds, machine, settings, versions, order=""):
    body = tables(figures, limits, markdown_table, lambda level, text: "#" * level + " " + text + "\n")
    first_stack = next((i for i, line in enumerate(body) if line.startswith("## ") and "reached" not in line), len(body))
    lines = [INTRODUCTION, *body[:first_stack], *behind_lines(figures), *(f"![{name}]({path})" for name, path in plots.items()), "",
             *body[first_stack:], METHOD, *([order, ""] if order else []), *repeat(command, seconds, machine, settings, versions)]
    if NOTES.exists():
        lines.append(NOTES.read_text().rstrip())
    return "\n".join(lines).rstrip() + "\n"
