"""``python -m diffrender``."""

from diffrender.cli.app import main

main()
