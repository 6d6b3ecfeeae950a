"""Cron expressions as KFP reads them: with seconds, as Go's robfig/cron does.

KFP refuses what that can't parse, but with the package already uploaded, and it takes five fields for seconds first, too: the
'0 3 * * *' of an ordinary crontab then means three minutes past each hour.
"""

from __future__ import annotations

import re

from serving.repository.errors import UserError

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# Name, lowest and highest value, names of values.
_FIELDS = (
    ("seconds", 0, 59, []),
    ("minutes", 0, 59, []),
    ("hours", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = re.compile(r"@every (\d+(\.\d+)?(h|m|s))+")
_EXAMPLE = "e.g. '0 0 3 * * *' for 3:00 each night"


def check_cron(expression: str) -> None:
    """Check a cron expression before anything is sent.

    Raises:
        UserError: What is wrong, and what is expected.
    """
    if expression in _DESCRIPTORS or _EVERY.fullmatch(expression):
        return
    fields = expression.split()
    if len(fields) == len(_FIELDS) - 1:
        raise UserError(f"cron {expression!r} has 5 fields, KFP's have 6: put the seconds first, '0 {expression}'")
    if len(fields) != len(_FIELDS):
        raise UserError(f"cron {expression!r}: expected 6 fields, seconds first, {_EXAMPLE}")
    for text, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        for item in text.split(","):
            if not _is_item(item, low, high, names):
                raise UserError(f"cron {expression!r}: {item!r} is no {name} ({low} to {high}), {_EXAMPLE}")


def _is_item(item: str, low: int, high: int, names: list[str]) -> bool:
    """Say whether it is *, ?, a value or a range, with or without a step."""
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
        return False
    if span in ("*", "?"):
        return True
    values = [_value(text, low, names) for text in span.split("-")]
    return len(values) <= 2 and all(low <= value <= high for value in values) and values == sorted(values)


def _value(text: str, low: int, names: list[str]) -> int:
    """Return a value's number; -1 for none."""
    if text.upper() in names:
        return low + names.index(text.upper())
    return int(text) if text.isascii() and text.isdigit() else -1
