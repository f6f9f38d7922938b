"""``python -m diffrender``."""

from .cli.app import main

main()
