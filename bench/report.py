"""The figures as tables: on the terminal, as Markdown, as CSV. Pure but for write_*()."""
import csv
import io

from figures import OURS, cell, is_behind, model_limit, number, ratio, verdicts
from metrics import GROUPS, METRICS

GROUP_TITLES = {"throughput": "Throughput", "processor": "Processor time", "requests": "Request and answer, 64 bytes each, a new stream for every request",
                "latency": "Ping", "connections": "Connections", "memory": "Memory of the listener", "network": "An emulated link"}
LIMIT_TITLES = {
    "tcp_mib": "raw TCP, one stream, MiB/s", "tcp_framed_mib": "the same with framing copied in, MiB/s",
    "tcp_framed_sender_mib": "MiB per processor second of its sender", "tcp_framed_receiver_mib": "MiB per processor second of its receiver",
    "tcp_round_trips": "raw TCP, round trips/s, one at a time", "udp_mib": "raw UDP, a call per datagram, MiB/s",
    "udp_gso_mib": "raw UDP with segmentation offload, MiB/s", "chacha_1k_mib": "ChaCha20-Poly1305, 1 KiB records, MiB/s",
    "chacha_16k_mib": "ChaCha20-Poly1305, 16 KiB records, MiB/s", "chacha_64k_mib": "ChaCha20-Poly1305, 64 KiB records, MiB/s",
    "chacha_open_64k_mib": "ChaCha20-Poly1305, opening 64 KiB records, MiB/s", "aes128gcm_1k_mib": "AES-128-GCM, 1 KiB records, MiB/s",
    "aes128gcm_16k_mib": "AES-128-GCM, 16 KiB records, MiB/s", "x25519": "X25519, new pair and one secret, per s",
    "ed25519_sign": "Ed25519 signatures/s", "ed25519_verify": "Ed25519 verifications/s",
    "ecdsa_sign": "ECDSA P-256 signatures/s", "ecdsa_verify": "ECDSA P-256 verifications/s"}


def headline(stack):
    return {"tcp+noise": "TCP, Noise, yamux", "tcp+tls": "TCP, TLS, yamux", "quic-v1": "QUIC"}.get(stack, stack)


def rows_of(figures, stack, group, peers):
    """[heading, a cell for each peer, our ratio to the best other] for the metrics of a group that have a figure."""
    rows = []
    for metric in METRICS.values():
        found = figures.get((stack, metric.key))
        if metric.group != group or not found:
            continue
        compared = ratio(figures, stack, metric.key)
        mark = "" if not is_behind(figures, stack, metric.key) else " behind"
        rows.append([metric.heading, *(cell(found.get(peer)) for peer in peers), "-" if compared is None else f"{compared:.2f}×{mark}"])
    return rows


def peers_in(figures):
    """Names of peers, ours first, then in the order they came; pairs last."""
    names = dict.fromkeys(peer for found in figures.values() for peer in found)
    return sorted(names, key=lambda name: (">" in name, name != OURS, list(names).index(name)))


def behind(figures):
    """What Starling is behind in: (stack, heading, ratio)."""
    return [(stack, METRICS[metric].heading, ratio(figures, stack, metric))
            for stack, metric in figures if is_behind(figures, stack, metric)]


def verdict_rows(figures, limits):
    said = {True: "yes", False: "no", None: "not measured"}
    return [[v.what, headline(v.stack), v.target, v.measured, said[v.reached]] for v in verdicts(figures, limits)]


def agreement_text(found):
    total = found.agreed + found.close + len(found.contradicted)
    lines = [f"The order of two peers in a row, in this run and the one before: {found.agreed} of {total} agree, {found.close} are too "
             f"close to tell, {len(found.contradicted)} contradict."]
    lines += [f"- {headline(stack)}: {METRICS[metric].heading}: {a} and {b} have changed places" for stack, metric, a, b in found.contradicted]
    return "\n".join(lines)


def limit_rows(limits):
    rows = [[title, number(limits[key])] for key, title in LIMIT_TITLES.items() if key in limits]
    limit = model_limit(limits)
    if limit is not None:
        rows.append(["model limit of TCP, Noise and yamux, MiB/s", number(limit)])
    return rows


def markdown_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def plain_table(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]).rstrip()
            for row in [head, *rows]] + [""]


def tables(figures, limits, table, title):
    """Everything that is tabular, with `table` as the form of a table and `title` as that of a heading."""
    peers, lines = peers_in(figures), []
    lines += [title(2, "What was to be reached"), *table(["", "stack", "target", "measured", "reached"], verdict_rows(figures, limits))]
    for stack in dict.fromkeys(stack for stack, _ in figures):
        lines.append(title(2, headline(stack)))
        for group in GROUPS:
            rows = rows_of(figures, stack, group, peers)
            if rows:
                lines += table([GROUP_TITLES[group], *peers, "to the best other"], rows)
    if limits:
        lines += [title(2, "Limits of the machine"), *table(["", "measured"], limit_rows(limits))]
    return lines


def terminal(figures, limits):
    return "\n".join(tables(figures, limits, plain_table, lambda _, text: text + "\n" + "-" * len(text)))


def csv_text(values):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["stack", "peer", "metric", "round", "value"])
    writer.writerows([v.stack, v.peer, v.metric, v.round, f"{v.value:.6g}"] for v in values)
    return out.getvalue()
