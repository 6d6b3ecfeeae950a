"""The verdict: which figure met which limit, and why a generator is refused."""
