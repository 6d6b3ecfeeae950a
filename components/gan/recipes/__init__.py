"""The recipes: networks, losses and one training step each."""
