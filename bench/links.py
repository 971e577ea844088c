"""Jobs on an emulated link of 60 ms, between namespaces of tests/lab: round trips of a connect, and throughput with loss."""
import concurrent.futures
import pathlib
import subprocess
import sys

from figures import Value
from peers import Failed, Listener, Run

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "lab"))
from topology import CLIENT4, SERVER4, Lab, build_wire, inside  # noqa: E402

RTT_MS, LOSS_PERCENT = 60, 1
LINKS_EACH = 5  # with loss: chance decides a single transfer
MIB = 1 << 20


def lacking():
    """Why there can be no links here, or None."""
    return Lab.lacking()


class Link:
    """A client's and a server's namespace for one peer, and the peer placed in each."""

    def __init__(self, lab, peer, loss_percent):
        names = [lab.namespace(f"{side}{len(lab.namespaces)}") for side in ("c", "s")]
        ends = [(name, "eth0", [f"{address}/24"]) for name, address in zip(names, (CLIENT4, SERVER4))]
        lab.link(*ends, RTT_MS, loss_percent)
        for name in names:
            subprocess.run(inside(name, ["sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic"]), check=False, capture_output=True)
        self.dialer, self.server = (peer.placed(inside(name, [])) for name in names)


def trips(link, stack, tries):
    """Connecting and one exchange, in round trips, on the average of `tries` connections."""
    with Listener(link.server, stack, SERVER4) as listener:
        event = Run(link.dialer, "connect", listener, ["--count", tries], "connect-summary", 60).event
        # Ours waits for the end of each connection, too; that is no part of the exchange.
        seconds = event.get("answeredSeconds", event["seconds"])
        return {"trips": 1000 * seconds / event["n"] / RTT_MS}


def lossy(link, stack, size):
    with Listener(link.server, stack, SERVER4) as listener:
        event = Run(link.dialer, "perf-client", listener, ["--upload", size, "--download", size], "perf", 300).event
        return {"lossy_up": size / event["uploadSeconds"] / MIB, "lossy_down": size / event["downloadSeconds"] / MIB}


def measure_trips(peers, stacks, tries, rounds, values, complain, progress):
    """One after the other: time counts here."""
    with Lab(build_wire()) as lab:
        links = [(peer, Link(lab, peer, 0)) for peer in peers]
        for number in range(rounds):
            for stack in stacks:
                for peer, link in links:
                    with progress.step(peer.name, "connect at 60 ms", stack.name):
                        note(values, complain, stack, peer, number, lambda l=link, s=stack: trips(l, s, tries))


def measure_lossy(peers, stacks, size, rounds, values, complain, progress):
    """All at once, each on a link of its own: the link is what takes time, not the machine."""
    with Lab(build_wire()) as lab, concurrent.futures.ThreadPoolExecutor(LINKS_EACH * len(peers)) as pool:
        links = [(peer, Link(lab, peer, LOSS_PERCENT)) for peer in LINKS_EACH * list(peers)]
        for number in range(rounds):
            for stack in stacks:
                with progress.step("all", "60 ms, 1 % loss", stack.name):
                    list(pool.map(lambda each, n=number, s=stack: note(
                        values, complain, s, each[0], n, lambda: lossy(each[1], s, size)), links))


def note(values, complain, stack, peer, number, job):
    try:
        values += [Value(stack.name, peer.name, metric, number, value) for metric, value in job().items()]
    except (Failed, ZeroDivisionError) as problem:
        complain(f"{peer.name} {stack.name}: {problem}")
