"""What connections cost their listener: a process of ours opens them, each from a node of its own, and holds them."""
import subprocess

from figures import Value
from peers import ENVIRONMENT, Failed, Listener, parse

LEAST_SHARE = 0.25  # of the wanted connections, to count


def memory_of(holder, peer, stack, counts, patience, complain):
    """{metric: KiB per connection}. A slow listener has as many connections as it takes in `patience` seconds, and no
    figure if they are too few."""
    with Listener(peer, stack) as listener:
        warm_up(holder, listener)
        before, found = listener.resident_kib(), {}
        flags = ["--peer", listener.address, "--connections", ",".join(map(str, counts)), "--for", patience, "--timeout", 600]
        process = subprocess.Popen(holder.line("idle", stack, *flags), env=ENVIRONMENT, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            for wanted in (count for count in counts for _ in ("idle", "busy")):
                event = parse(process.stdout.readline())
                if event.get("event") != "holding":
                    complain(f"{peer.name} {stack.name}: {wanted} connections: {event.get('message', 'the holder went away')}")
                    break
                if event["connections"] >= wanted * LEAST_SHARE:
                    found[f"{event['what']}_{wanted}"] = (listener.resident_kib() - before) / event["connections"]
                if event["connections"] < wanted:
                    complain(f"{peer.name} {stack.name}: took {event['connections']} of {wanted} connections in {patience} s")
                process.stdin.write("\n")
                process.stdin.flush()
        except BrokenPipeError:
            complain(f"{peer.name} {stack.name}: the holder of connections went away")
        finally:
            process.kill()
            process.wait()
        return found


def warm_up(holder, listener):
    """A few connections that come and go: what a listener needs once is not counted."""
    line = holder.line("connect", listener.stack, "--peer", listener.address, "--count", 20, "--timeout", 60)
    subprocess.run(line, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=90)


def measure(peers, stacks, counts, patience, values, complain, progress):
    """`counts`: numbers of connections, by the names of their metrics (1,000 and 10,000)."""
    for stack in stacks:
        for peer in peers:
            with progress.step(peer.name, "memory", stack.name):
                try:
                    found = memory_of(peers[0], peer, stack, counts, patience, complain)
                except Failed as problem:
                    complain(str(problem))
                    continue
                values += [Value(stack.name, peer.name, metric, 0, kib) for metric, kib in found.items()]
