"""What the terminal shows: a run as it goes on, and the facts of a home for a person."""
