import unittest
import xml.etree.ElementTree

from bench import chart

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = {"machine": "2 x processor <of a kind>", "trust": "one authority"}


def bars(svg):
    found = xml.etree.ElementTree.fromstring(svg).iter(f"{SVG}rect")
    # Those of the legend are all of one width, and the page is none.
    return [(bar.get("class"), float(bar.get("width"))) for bar in found if bar.get("x") == str(chart.LEFT)]


def texts(svg):
    return [text.text for text in xml.etree.ElementTree.fromstring(svg).iter(f"{SVG}text")]


class Chart(unittest.TestCase):
    def setUp(self):
        figures = {
            "hit: CPU": {"value": 2.0, "unit": "ms", "peers": {"ecr-login": 8.0}},
            "hit: wall": {"value": 1.0, "unit": "ms", "peers": {"ecr-login": 1.0}},
            "miss: CPU": {"value": 16.0, "unit": "ms", "peers": {"floor": 4.0}},
        }
        self.svg = chart.of_cpu(figures, SETTINGS)

    def test_bars_are_as_long_as_their_values(self):
        self.assertEqual([program for program, _ in bars(self.svg)], ["keyward", "ecr-login", "keyward", "floor"])
        longest = max(width for _, width in bars(self.svg))
        self.assertEqual([round(16 * width / longest) for _, width in bars(self.svg)], [2, 8, 16, 4])

    def test_values_rows_and_programs_can_be_read(self):
        for text in ["hit", "miss", "2.0", "16.0", "Keyward", "amazon-ecr-credential-helper", "2 x processor <of a kind>"]:
            self.assertIn(text, texts(self.svg))

    def test_programs_that_are_not_in_it_are_not_in_the_legend(self):
        self.assertNotIn("AWS SDK for Rust", texts(self.svg))

    def test_the_axis_has_a_handful_of_round_numbers(self):
        for top, step in [(3, 1), (16, 2), (36, 5), (100, 10), (240, 50)]:
            self.assertEqual(chart.tick_step(top), step, top)
