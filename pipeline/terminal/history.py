"""Past runs for a person."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.home.history import PastRun
from pipeline.terminal.figures import figure

KEY_FIGURES = ("frechet_ratio", "recall", "precision", "label_agreement")
_SHORT_ID = len("20261124-075531")  # a home has one run at a time: the second it began in names it
_WORDS = {
    "blessed": "[green]pushed[/]",
    "blocked": "[bold red]refused[/]",
    "failed": "[bold red]failed[/]",
    "interrupted": "[yellow]interrupted[/]",
    "running": "[cyan]running[/]",
}


def show_history(runs: list[PastRun], console: Console) -> None:
    """Print runs for a person; fits 80 columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in ("run", "profile"):
        table.add_column(column, no_wrap=True)
    for column in ("FD/floor", "recall", "prec.", "labels", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict")
    for run in runs:
        figures = [figure(run.figures.get(name), 3) for name in KEY_FIGURES]
        table.add_row(run.run_id[:_SHORT_ID], run.profile or "?", *figures, f"{run.seconds:.0f} s", _word(run))
    console.print(table)


def _word(run: PastRun) -> str:
    if run.state != "blessed":
        why = run.reason.partition(":")[0]
        return _WORDS[run.state] + (f": {escape(why)}" if why else "")
    return f"{_WORDS[run.state]} v{run.version}" if run.is_new else f"[dim]as before v{run.version}[/]"
