"""`python -m seedbed`: the command line, where the command itself is not on the path."""

from seedbed.cli import main

main(prog_name="seedbed")
