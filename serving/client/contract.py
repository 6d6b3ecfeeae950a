"""The names that a Forger generator and its clients share.

A client is installed where no Forger is, so it carries its own copy; a test holds it to `serving/repository/contract.py`.
"""

from __future__ import annotations

SIGNATURE_DEFAULT = "serving_default"
SIGNATURE_SAMPLE = "sample"
SIGNATURE_SAMPLE_PNG = "sample_png"
SIGNATURE_LATENT = "latent"
INPUT_LATENT, INPUT_SEED, INPUT_LABEL = "latent", "seed", "label"
OUTPUT_IMAGE, OUTPUT_PNG, OUTPUT_LATENT, OUTPUT_LABEL = "image", "png_bytes", "latent", "label"
# As a requested label: any class, drawn from the row's seed. As an answered label: the generator has no classes.
ANY_LABEL = -1

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
# What a server answers, with UNAVAILABLE, before its first version is loaded.
STILL_LOADING = "the model is still being loaded"
