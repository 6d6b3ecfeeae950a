"""`forger doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import cloup

from pipeline.commands.base import EXIT_BLOCKED, command, say
from pipeline.commands.options import home_option, json_option
from pipeline.home.home import Home


@command()
@cloup.option("--mend", is_flag=True, help="Mend what can be mended without losing anything; damaged files are set aside.")
@home_option
@json_option
def doctor(mend: bool, home: Path, as_json: bool) -> None:
    """Look for what is wrong with a home: moved, damaged or missing files.

    Exit code 1 means that something is left to do.
    """
    from pipeline.home.health import examine, mend_all

    place = Home.at(home)
    findings = examine(place)
    mended = mend_all(place, findings) if mend and findings else [(finding, False) for finding in findings]
    facts, lines = [], []
    for finding, done in mended:
        safe = finding.mend is not None
        facts.append({"what": finding.what, "remedy": finding.remedy, "can_mend": safe, "mended": done})
        how = "mended" if done else "`forger doctor --mend`" if safe else "to know" if finding.harmless else "yours"
        lines.append(f"{finding.what}\n  {how}: {finding.remedy}")
    say("\n".join(lines) or f"nothing is wrong with {place.path}", facts, as_json=as_json)
    if any(not (done or finding.harmless) for finding, done in mended):
        sys.exit(EXIT_BLOCKED)
