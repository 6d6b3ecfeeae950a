"""The report of a run: one HTML file that needs nothing else. Start with `write.py`; `facts.py` gathers, `page.py` lays out."""
