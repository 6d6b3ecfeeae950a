"""What generated images are worth to someone who trains on them, and whether a network can tell them from real ones."""
