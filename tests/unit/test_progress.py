"""What a terminal shows while an LLM is asked."""

import io

from rich.console import Console

from seedbed.progress import CallBar


def test_the_bar_names_the_tables_and_counts_the_calls():
    shown = io.StringIO()
    with CallBar(2, Console(file=shown, force_terminal=True, width=100)) as bar:
        bar("surveying 12 tables")
        assert "call 1 of 2" in shown.getvalue()
        bar("planning orders, [b]lines[/b] (1 of 1)")
        assert "planning orders, [b]lines[/b] (1 of 1)" in shown.getvalue()
        assert "call 2 of 2" in shown.getvalue()
        bar("writing rows of branches (1 of 1)")
        assert "call 3 of 3" in shown.getvalue()
