"""The table of both verdicts, as docs/gate.md has it."""

from __future__ import annotations

from typing import Any

_NAMED = 3  # of what refused a generator; the others are counted


def table(rows: list[dict[str, Any]]) -> str:
    """Render rows of the benchmark as Markdown; a row that the gate hasn't judged yet says so, disagreement is in bold."""
    lines = [
        "| generator | network | its Fréchet multiple | because of | gate | `frechet_ratio` | because of |",
        "|" + " --- |" * 7,
    ]
    for row in rows:
        gate, ratio = row.get("gate", "not yet"), f"{row['frechet_ratio']:.2f}" if "gate" in row else ""
        cells = [
            row["generator"],
            row["unseen"],
            f"{row['unseen_figures']['frechet']:.2f}",
            _named(_without_classes(row["unseen_faults"])),
            gate if row.get("agree", True) else f"**{gate}**",
            ratio,
            _named(row.get("gate_faults", [])),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _without_classes(faults: list[str]) -> list[str]:
    """Classes by name only where the whole is not at fault."""
    return [name for name in faults if " of " not in name] if "frechet" in faults else faults


def _named(faults: list[str]) -> str:
    named = ", ".join(f"`{name}`" for name in faults[:_NAMED])
    return named + (f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else "")
