"""The adversarial loop, and what it leaves behind."""
