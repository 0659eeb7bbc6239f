"""What scripts/bench-cli, scripts/bench-compare and scripts/count-instructions are made of: one file per concern."""

import pathlib
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


def say(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)


def fail(text):
    say(text)
    sys.exit(1)
