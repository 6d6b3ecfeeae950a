"""A request of `forger generate` whose parts a test changes."""

from __future__ import annotations

from pipeline.generate.request import Layout, Request


def make_request(**changes):
    asked = {
        "model": "mnist_gan",
        "version": "3",
        "model_digest": "d",
        "class_names": ("0", "1"),
        "count": 10,
        "seed": 1,
        "label": None,
        "layout": Layout.TFRECORD,
        "shard_size": 4,
    }
    return Request(**(asked | changes))
