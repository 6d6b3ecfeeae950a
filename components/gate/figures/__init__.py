"""The figures: arrays in, numbers out, each with its paper."""
