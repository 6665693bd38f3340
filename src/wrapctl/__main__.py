"""``python -m wrapctl``."""

from wrapctl.cli.main import main

main()
