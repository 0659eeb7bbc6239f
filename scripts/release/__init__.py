"""What scripts/release-component and scripts/test-release-component are made of: one file per concern."""

import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
