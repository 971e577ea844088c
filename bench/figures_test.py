#!/usr/bin/env python3
"""Medians, ratios, verdicts and tables of the comparison, on made-up values."""
import argparse
import io
import unittest
from xml.etree import ElementTree

import page
import plots
import report
import run
from figures import Value, agreement, cell, collect, best_other, is_behind, judge, judge_model, model_limit, number, per_gib, ratio
from jobs import LARGEST, SMALLEST, Comparison, pairs_of, size_for
from metrics import METRICS, TARGETS, Target
from peers import Peer
from progress import Progress

MIB = 1 << 20


def values(stack, metric, **peers):
    return [Value(stack, peer.replace("_to_", ">"), metric, n, v) for peer, all_of_it in peers.items() for n, v in enumerate(all_of_it)]


class Ratios(unittest.TestCase):
    def setUp(self):
        self.figures = collect(
            values("tcp+noise", "up_1", starling=[900, 1000, 2000], go=[500, 400, 450], rust=[100, 100, 300], starling_to_go=[9999])
            + values("tcp+noise", "cpu_up", starling=[1.0], go=[2.5], rust=[4.0])
            + values("tcp+tls", "connects", starling=[300], go=[400], rust=[500]))

    def test_the_median_counts_and_the_spread_is_kept(self):
        figure = self.figures["tcp+noise", "up_1"]["starling"]
        self.assertEqual((figure.median, figure.low, figure.high, figure.count), (1000, 900, 2000, 3))

    def test_the_best_other_is_the_fastest_or_the_cheapest_and_never_a_pair(self):
        self.assertEqual(best_other(self.figures, "tcp+noise", "up_1")[0], "go")
        self.assertEqual(best_other(self.figures, "tcp+noise", "cpu_up")[1].median, 2.5)
        self.assertEqual(best_other(self.figures, "tcp+tls", "connects")[0], "rust")
        self.assertIsNone(best_other(self.figures, "quic-v1", "up_1"))

    def test_a_ratio_is_ours_by_theirs(self):
        self.assertAlmostEqual(ratio(self.figures, "tcp+noise", "up_1"), 1000 / 450)
        self.assertAlmostEqual(ratio(self.figures, "tcp+noise", "cpu_up"), 0.4)
        self.assertIsNone(ratio(collect(values("s", "up_1", starling=[1])), "s", "up_1"))
        self.assertIsNone(ratio(collect(values("s", "up_1", go=[1])), "s", "up_1"))

    def test_behind_depends_on_what_is_better(self):
        self.assertFalse(is_behind(self.figures, "tcp+noise", "up_1"))
        self.assertFalse(is_behind(self.figures, "tcp+noise", "cpu_up"))
        self.assertTrue(is_behind(self.figures, "tcp+tls", "connects"))
        self.assertIsNone(is_behind(self.figures, "quic-v1", "up_1"))
        self.assertEqual(report.behind(self.figures), [("tcp+tls", METRICS["connects"].heading, 0.6)])


class Order(unittest.TestCase):
    BEFORE = collect(values("s", "up_1", starling=[10, 12], go=[5, 6], rust=[4, 6]) + values("s", "connects", starling=[3], go=[2]))

    def test_agrees_is_too_close_or_contradicts(self):
        now = collect(values("s", "up_1", starling=[7, 8], go=[20, 21], rust=[30, 31]) + values("s", "connects", starling=[30], js=[2]))
        found = agreement(self.BEFORE, now)
        self.assertEqual((found.agreed, found.close), (0, 1))
        self.assertEqual(found.contradicted, (("s", "up_1", "starling", "go"), ("s", "up_1", "starling", "rust")))

    def test_of_a_run_with_itself_agrees_but_for_equals(self):
        found = agreement(self.BEFORE, self.BEFORE)
        self.assertEqual((found.agreed, found.close, found.contradicted), (4, 0, ()))

    def test_reads_as_a_sentence_and_a_line_for_each_contradiction(self):
        now = collect(values("s", "up_1", starling=[1], go=[20]))
        text = report.agreement_text(agreement(self.BEFORE, now))
        self.assertIn("0 of 1 agree, 0 are too close to tell, 1 contradict", text)
        self.assertIn("- s: upload, 1 stream, MiB/s: starling and go have changed places", text)


class Verdicts(unittest.TestCase):
    def test_of_two_directions_the_worse_counts(self):
        figures = collect(values("s", "up_1", starling=[300], go=[100]) + values("s", "down_1", starling=[150], go=[100]))
        verdict = judge(figures, Target("t", "s", ("up_1", "down_1"), 2.0))
        self.assertEqual((verdict.target, verdict.measured, verdict.reached), ("≥ 2×", "3.00× / 1.50×", False))
        self.assertTrue(judge(figures, Target("t", "s", ("up_1",), 3.0)).reached)

    def test_less_is_better_turns_the_bound_round(self):
        figures = collect(values("s", "cpu_up", starling=[1], go=[2]) + values("s", "cpu_down", starling=[1.1], go=[2]))
        self.assertTrue(judge(figures, Target("t", "s", ("cpu_up",), 0.5)).reached)
        self.assertFalse(judge(figures, Target("t", "s", ("cpu_up", "cpu_down"), 0.5)).reached)

    def test_an_own_figure_needs_nobody_else(self):
        figures = collect(values("s", "trips", starling=[3.2]))
        self.assertTrue(judge(figures, Target("t", "s", ("trips",), 3.7, own=True)).reached)

    def test_what_was_not_measured_is_neither_reached_nor_missed(self):
        for target in TARGETS:
            self.assertIsNone(judge({}, target).reached)
        self.assertIsNone(judge_model({}, {}).reached)

    def test_the_model_takes_the_slower_side(self):
        limits = {"tcp_framed_sender_mib": 9000, "chacha_64k_mib": 4500, "tcp_framed_receiver_mib": 6000, "chacha_open_64k_mib": 3000}
        self.assertAlmostEqual(model_limit(limits), 2000)
        figures = collect(values("tcp+noise", "up_1", starling=[1700]) + values("tcp+noise", "down_1", starling=[1500]))
        verdict = judge_model(figures, limits)
        self.assertEqual((verdict.measured, verdict.reached), ("85% / 75%", False))


class Processor(unittest.TestCase):
    def test_what_a_run_costs_anyhow_falls_out(self):
        self.assertAlmostEqual(per_gib((8 * MIB, 0.5), (8 * MIB + 2**29, 1.5)), 2.0)

    def test_figures_too_close_together_give_none(self):
        self.assertIsNone(per_gib((8 * MIB, 0.5), (8 * MIB, 1.5)))
        self.assertIsNone(per_gib((8 * MIB, 0.5), (16 * MIB, 0.52)))


class Jobs(unittest.TestCase):
    def test_sizes_follow_the_speed_within_bounds_and_divide_among_100_streams(self):
        self.assertEqual(size_for(2, 100) // 100 * 100, size_for(2, 100))
        self.assertAlmostEqual(size_for(2, 100) / (200 * MIB), 1, places=4)
        self.assertLessEqual(size_for(1, 1e9), LARGEST)
        self.assertGreaterEqual(size_for(1, 0.001), SMALLEST - 100)

    def test_a_trial_grows_until_it_lasts_and_is_made_once(self):
        comparison, sizes = Comparison([], None, None), []

        def transfer(dialer, listener, direction, size, streams):
            sizes.append(size)
            return "run", 1000.0

        comparison.transfer = transfer
        listener = argparse.Namespace(stack=argparse.Namespace(name="s"), peer=Peer("go", ["go"]))
        for _ in range(2):
            self.assertEqual(comparison.trial(Peer("go", ["go"]), listener, "up"), (512 * MIB, "run", 1000.0))
        self.assertEqual(sizes, [8 * MIB, 64 * MIB, 512 * MIB])

    def test_pairs_are_everybody_with_itself_and_mixed_ones_on_request(self):
        peers = [Peer(name, [name]) for name in ("starling", "go", "js")]
        self.assertEqual([name for _, _, name in pairs_of(peers, mixed=False)], ["starling", "go", "js"])
        self.assertEqual([name for _, _, name in pairs_of(peers, mixed=True)][3:],
                         ["starling>go", "go>starling", "starling>js", "js>starling"])

    def test_the_time_left_follows_from_each_ones_own_steps(self):
        now = [0.0]
        progress = Progress({"fast": 2, "slow": 3}, clock=lambda: now[0], out=io.StringIO())
        for who, seconds in (("fast", 1), ("slow", 10)):
            with progress.step(who, "", ""):
                now[0] += seconds
        self.assertEqual(progress.left(), 1 + 2 * 10)
        progress.skip("slow", 2)
        self.assertEqual(progress.left(), 1)


class Plans(unittest.TestCase):
    def test_a_quick_run_is_shorter_and_flags_go_before_plans(self):
        given = argparse.Namespace(quick=True, rounds=None, seconds=None)
        self.assertEqual(run.plan_of(given), run.QUICK)
        given.rounds, given.quick = 7, False
        self.assertEqual((run.plan_of(given).rounds, run.plan_of(given).seconds), (7, run.FULL.seconds))
        self.assertLess(run.QUICK.seconds * run.QUICK.rounds, run.FULL.seconds * run.FULL.rounds)

    def test_memory_is_measured_at_numbers_that_have_a_metric(self):
        for count in (*run.FULL.connections, *run.QUICK.connections):
            self.assertIn(f"idle_{count}", METRICS)
            self.assertIn(f"busy_{count}", METRICS)


class Tables(unittest.TestCase):
    def setUp(self):
        self.values = values("tcp+noise", "up_1", js=[10, 12], starling=[1000, 1100], go=[500, 505]) + values("quic-v1", "ping_p99", go=[0.2])
        self.figures = collect(self.values)

    def test_numbers_have_the_digits_that_matter(self):
        self.assertEqual([number(v) for v in (12345.6, 99.94, 1.234, 0.01234)], ["12,346", "99.9", "1.23", "0.012"])
        self.assertEqual(cell(None), "-")
        self.assertEqual(cell(self.figures["tcp+noise", "up_1"]["js"]), "11.0 (10.0–12.0)")

    def test_rows_begin_with_ours_and_end_with_the_ratio(self):
        peers = report.peers_in(self.figures)
        self.assertEqual(peers, ["starling", "js", "go"])
        row, = report.rows_of(self.figures, "tcp+noise", "throughput", peers)
        self.assertEqual(row[1], "1,050 (1,000–1,100)")
        self.assertEqual(row[-1], "2.09×")
        self.assertEqual(report.rows_of(self.figures, "tcp+noise", "memory", peers), [])

    def test_csv_has_a_line_for_every_value(self):
        lines = report.csv_text(self.values).splitlines()
        self.assertEqual(lines[0], "stack,peer,metric,round,value")
        self.assertIn("tcp+noise,starling,up_1,1,1100", lines)
        self.assertEqual(len(lines), 1 + len(self.values))

    def test_the_page_holds_targets_tables_and_how_to_repeat_it(self):
        machine = {"date": "2026-01-02", "cpu": "a cpu", "cores": 2, "kernel": "6", "load": 0.1, "commit": "abc"}
        text = page.markdown(self.figures, {}, {"Throughput": "p.svg"}, "./dev bench --write", 1500, machine, {"x": "1"}, {"go": {"go": "1.26"}})
        for wanted in ("## What was to be reached", "## Where Starling is behind", "## TCP, Noise, yamux", "## How to repeat it",
                       "./dev bench --write", "![Throughput](p.svg)", "25 minutes", "go 1.26"):
            self.assertIn(wanted, text)

    def test_a_plot_has_a_bar_for_every_figure_and_none_without(self):
        picture = plots.plot(self.figures, "throughput")
        self.assertEqual(len(ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}rect")), 1 + 3)
        self.assertIn("1,050", picture)
        self.assertIsNone(plots.plot(self.figures, "memory"))


if __name__ == "__main__":
    unittest.main()
