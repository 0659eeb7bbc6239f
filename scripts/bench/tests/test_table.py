import unittest

from bench import figures, suite, table
from bench.programs import ECR_LOGIN, KEYWARD
from bench.tests.test_figures import measured


class Table(unittest.TestCase):
    def test_each_row_begins_with_its_name_and_peers_have_ratios(self):
        row = suite.MeasuredRow({KEYWARD: measured(2), ECR_LOGIN: measured(4)}, measured(8))
        heading, ours, peer, miss = table.rows_table({"denied": row}, figures.of_row("denied", row)).splitlines()
        self.assertTrue(ours.startswith("denied  "), ours)
        self.assertEqual(ours.split(), ["denied", KEYWARD, "2.0", "2.0", "2.0", "1", "1"])
        self.assertEqual(peer.split(), [ECR_LOGIN, "4.0", "4.0", "4.0", "1", "1", "0.50", "0.50", "0.50"])
        self.assertEqual(miss.split(), ["its", "miss", "8.0", "8.0", "0.25", "0.25"])
        self.assertEqual(peer.rindex("0.50") + 4, heading.rindex("memory") + 6, "columns are below their headings")

    def test_a_run_that_was_cut_took_longer_than_is_known(self):
        self.assertEqual(table.milliseconds(30_000.4, True), "> 30000")

    def test_a_ratio_is_never_nothing(self):
        self.assertEqual(table.ratio_to({"ratio": 0.001}, ECR_LOGIN), "< 0.01")
        self.assertEqual(table.ratio_to({"ratio": 0.5}, ECR_LOGIN), "0.50")
        self.assertEqual(table.ratio_to({"ratio": 0.5}, "miss"), "")

    def test_what_was_the_same_in_all_tries_is_one_number(self):
        self.assertEqual(table.spread([40, 40]), "40")
        self.assertEqual(table.spread([13, 6, 9]), "6 to 13")
