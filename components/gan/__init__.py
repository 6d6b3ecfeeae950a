"""The adversarial training component."""
