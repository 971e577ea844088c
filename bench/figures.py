"""From single values to medians, ratios and verdicts. Pure; tested by figures_test.py."""
import itertools
import statistics
from dataclasses import dataclass

from metrics import METRICS, MODEL_SHARE, TARGETS, TCP_NOISE

OURS = "starling"
LEAST_CPU_SECONDS = 0.05  # the kernel counts in hundredths


@dataclass(frozen=True)
class Value:
    """One measurement. `peer` is one name, or "dialer>listener" for two implementations."""
    stack: str
    peer: str
    metric: str
    round: int
    value: float


@dataclass(frozen=True)
class Figure:
    median: float
    low: float
    high: float
    count: int


def collect(values):
    """{(stack, metric): {peer: Figure}}"""
    lists = {}
    for each in values:
        lists.setdefault((each.stack, each.metric), {}).setdefault(each.peer, []).append(each.value)
    return {key: {peer: Figure(statistics.median(all_of_it), min(all_of_it), max(all_of_it), len(all_of_it))
                  for peer, all_of_it in peers.items()} for key, peers in lists.items()}


def best_other(figures, stack, metric):
    """(name, figure) of the best of the others with itself, or None."""
    others = {peer: figure for peer, figure in figures.get((stack, metric), {}).items() if peer != OURS and ">" not in peer}
    if not others:
        return None
    choose = max if METRICS[metric].more_is_better else min
    return choose(others.items(), key=lambda item: item[1].median)


def ratio(figures, stack, metric):
    """Our median divided by that of the best other, or None. Above 1 is more, which need not be better."""
    ours, best = figures.get((stack, metric), {}).get(OURS), best_other(figures, stack, metric)
    if ours is None or best is None or best[1].median <= 0:
        return None
    return ours.median / best[1].median


def is_behind(figures, stack, metric):
    """None without a comparison."""
    value = ratio(figures, stack, metric)
    if value is None:
        return None
    return value < 1 if METRICS[metric].more_is_better else value > 1


@dataclass(frozen=True)
class Agreement:
    """Two runs, every two peers of every row: agreed, too close to tell, and (stack, metric, peer, peer) contradicted."""
    agreed: int
    close: int
    contradicted: tuple


def agreement(one_run, other_run):
    agreed, close, contradicted = 0, 0, []
    for (stack, metric), peers in one_run.items():
        again = other_run.get((stack, metric), {})
        for a, b in itertools.combinations([peer for peer in peers if peer in again], 2):
            if (peers[a].median - peers[b].median) * (again[a].median - again[b].median) > 0:
                agreed += 1
            elif overlap(peers[a], peers[b]) or overlap(again[a], again[b]):
                close += 1
            else:
                contradicted.append((stack, metric, a, b))
    return Agreement(agreed, close, tuple(contradicted))


def overlap(a, b):
    return a.low <= b.high and b.low <= a.high


@dataclass(frozen=True)
class Verdict:
    what: str
    stack: str
    target: str
    measured: str
    reached: bool | None


def judge(figures, target):
    """How far a target is reached; of several metrics the worst counts."""
    own = [figures.get((target.stack, m), {}).get(OURS) for m in target.metrics]
    values = [f and f.median for f in own] if target.own else [ratio(figures, target.stack, m) for m in target.metrics]
    least = METRICS[target.metrics[0]].more_is_better
    sign, unit = ("≥" if least else "≤"), ("" if target.own else "×")
    wanted = f"{sign} {target.bound:g}{unit}"
    if any(value is None for value in values):
        return Verdict(target.what, target.stack, wanted, "-", None)
    reached = min(values) >= target.bound if least else max(values) <= target.bound
    return Verdict(target.what, target.stack, wanted, " / ".join(f"{v:.2f}{unit}" for v in values), reached)


def model_limit(limits):
    """MiB/s that TCP, Noise and yamux can reach at most on this machine: each side spends its processor time on framing
    with the socket and on the cipher, one after the other; the slower side counts. None without the figures."""
    try:
        send = 1 / (1 / limits["tcp_framed_sender_mib"] + 1 / limits["chacha_64k_mib"])
        receive = 1 / (1 / limits["tcp_framed_receiver_mib"] + 1 / limits["chacha_open_64k_mib"])
    except (KeyError, ZeroDivisionError):
        return None
    return min(send, receive)


def judge_model(figures, limits):
    """Our throughput as a share of the model limit."""
    limit = model_limit(limits)
    own = [figures.get((TCP_NOISE, m), {}).get(OURS) for m in ("up_1", "down_1")]
    wanted = f"≥ {MODEL_SHARE:.0%}"
    if limit is None or any(figure is None for figure in own):
        return Verdict("throughput, share of the model limit", TCP_NOISE, wanted, "-", None)
    shares = [figure.median / limit for figure in own]
    return Verdict("throughput, share of the model limit", TCP_NOISE, wanted, " / ".join(f"{s:.0%}" for s in shares),
                   min(shares) >= MODEL_SHARE)


def verdicts(figures, limits):
    return [*(judge(figures, target) for target in TARGETS), judge_model(figures, limits)]


def per_gib(small, large):
    """Processor seconds per GiB from two runs, each (bytes, seconds): what a run costs however little it moves (start,
    handshake) falls out. None if the figures are too close to tell."""
    more = large[0] - small[0]
    if more <= 0 or large[1] - small[1] < LEAST_CPU_SECONDS:
        return None
    return (large[1] - small[1]) * 2**30 / more


def number(value):
    """Three significant digits where that matters, thousands with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def cell(figure):
    """The median, with the spread when there is one."""
    if figure is None:
        return "-"
    spread = f" ({number(figure.low)}–{number(figure.high)})" if figure.count > 1 else ""
    return number(figure.median) + spread
