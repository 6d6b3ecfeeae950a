"""The showcase as a file: showcase.npz in the gate's evaluation artifact; read without TensorFlow, so that reports open quickly.

Plain arrays, some 300 KB, no pickle. C classes, G columns, c channels.

    candidate, baseline, real    uint8 [C, G, H, W, c]      drawn from the same seeds; `baseline` only where there is one
    seeds                        int64 [C, G]
    worst, best                  uint8 [K, H, W, c]         by realism score, the worst or best first; with
    *_label, *_predicted         int64 [K]                 the class asked for (-1: none) and the class that the judge sees
    *_score                      float32 [K]
    suspicious, nearest_train    uint8 [S, H, W, c]         samples nearest to a train image, the nearest first, and those images
    suspicious_label             int64 [S]
    suspicious_distance          float32 [S]
    suspicious_real, nearest_train_of_real, suspicious_real_distance: the same of held-out real images, for comparison
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

SHOWCASE_FILE = "showcase.npz"
SCORE_NAME = "realism score (Kynkäänniemi et al. 2019): 1 or more lies within the real images' manifold"
DISTANCE_NAME = "Euclidean distance of pixels in [0, 1], in the space of their principal components"


def load_showcase(directory: Path | str) -> dict[str, np.ndarray]:
    """Read the showcase of an evaluation artifact; empty where there is none or it can't be read."""
    try:
        with np.load(Path(directory) / SHOWCASE_FILE, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, zipfile.BadZipFile):
        return {}
