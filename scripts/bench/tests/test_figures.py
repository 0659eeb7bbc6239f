import unittest

from bench import figures, suite
from bench.programs import ECR_LOGIN, KEYWARD, SDK


class Ratios(unittest.TestCase):
    def test_rounds_in_turn_are_compared_round_by_round(self):
        # The load doubles in the course of the run, and for both.
        self.assertEqual(figures.ratio([1, 2, 4], [2, 4, 8]), 0.5)

    def test_a_round_that_was_disturbed_does_not_count(self):
        self.assertEqual(figures.ratio([1, 1, 100], [2, 2, 2]), 0.5)

    def test_a_round_of_which_nothing_is_left_does_not_count(self):
        self.assertEqual(figures.ratio([1, 0, 1], [0, 4, 2]), 0.5)
        self.assertIsNone(figures.ratio([1], [0]))

    def test_without_rounds_in_turn_the_medians_are_compared(self):
        self.assertEqual(figures.ratio([1, 1, 1, 1], [4]), 0.25)


class Figures(unittest.TestCase):
    def test_the_ratio_to_the_first_peer_stands_apart(self):
        made = figures.figure(1, "ms", first_peer="a", ratios={"a": 0.5, "b": 2.0}, peers={"a": 2, "b": 0.5})
        self.assertEqual(made, {"value": 1, "unit": "ms", "ratio": 0.5, "ratios": {"b": 2.0}, "peers": {"a": 2, "b": 0.5}})

    def test_a_row_has_all_programs_and_the_miss_beside_it(self):
        programs = {KEYWARD: measured(2), ECR_LOGIN: measured(4), SDK: measured(1)}
        found = figures.of_row("denied", suite.MeasuredRow(programs, measured(2)))
        self.assertEqual(found["denied: CPU"]["ratio"], 0.5)
        self.assertEqual(found["denied: CPU"]["ratios"], {SDK: 2.0, "miss": 1.0})
        self.assertEqual(found["denied: CPU"]["peers"], {ECR_LOGIN: 4, SDK: 1})
        self.assertEqual(found["denied: memory"]["ratios"], {SDK: 2.0})
        self.assertEqual(found["denied: requests"], {"value": 1, "unit": "requests", "peers": {ECR_LOGIN: 1, SDK: 1}})

    def test_a_row_without_peers_has_no_ratios(self):
        found = figures.of_row("answer of 1 GiB", suite.MeasuredRow({KEYWARD: measured(2)}, None))
        self.assertEqual(found["answer of 1 GiB: wall"], {"value": 2, "unit": "ms"})

    def test_the_worst_try_of_a_crowd_counts(self):
        tries = {KEYWARD: [{"calls": 1, "kept": 40}, {"calls": 3, "kept": 38}], ECR_LOGIN: [{"calls": 9, "kept": 5}] * 2}
        found = figures.of_crowd("one registry", tries)
        self.assertEqual(found["one registry at once: requests"]["value"], 3)
        self.assertEqual(found["one registry at once: kept"]["value"], 38)
        self.assertEqual(found["one registry at once: kept"]["better"], "higher")


def measured(milliseconds):
    return suite.Measured(
        rounds_wall_ms=[milliseconds] * 3, rounds_cpu_ms=[milliseconds] * 3, walls_ms=[milliseconds] * 3,
        memories_kib=[1024 * milliseconds], connections=1, requests=1,
    )
