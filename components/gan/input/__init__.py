"""Where the real images of each step come from."""
