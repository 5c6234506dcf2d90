"""`python -m pipeline.cli` is `ioc`."""

from pipeline.cli import main

main()
