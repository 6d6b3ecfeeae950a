"""The serving contract: names and shapes shared by who makes a generator and who serves it."""

from __future__ import annotations

# Signatures. The first dimension of every input and output is the batch, so that TensorFlow Serving can batch them. Height, width
# and channels (1 grey, 3 RGB) of the images are the model's own: its signatures say them, and META_IMAGE_SHAPE.
# serving_default: latent float32 [N, Z], label int64 [N]  -> image float32 [N, H, W, C] in [-1, 1]
# sample:          seed int64 [N], label int64 [N]         -> image uint8 [N, H, W, C], label int64 [N]
# sample_png:      seed int64 [N], label int64 [N]         -> png_bytes string [N], label int64 [N]
# latent:          seed int64 [N], label int64 [N]         -> latent float32 [N, Z], label int64 [N], as `sample` draws them
SIGNATURE_DEFAULT = "serving_default"
SIGNATURE_SAMPLE = "sample"
SIGNATURE_SAMPLE_PNG = "sample_png"
SIGNATURE_LATENT = "latent"
SIGNATURES = (SIGNATURE_DEFAULT, SIGNATURE_SAMPLE, SIGNATURE_SAMPLE_PNG, SIGNATURE_LATENT)
INPUT_LATENT, INPUT_SEED, INPUT_LABEL = "latent", "seed", "label"
OUTPUT_IMAGE, OUTPUT_PNG, OUTPUT_LATENT, OUTPUT_LABEL = "image", "png_bytes", "latent", "label"
# As a requested label: any class, drawn from the row's seed. As an answered label: the generator has no classes.
ANY_LABEL = -1

# gRPC services, by full name: the descriptors in tensorflow-serving-api's own files do not load under protobuf 6.
PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
# What a server answers, with UNAVAILABLE, before its first version is loaded.
STILL_LOADING = "the model is still being loaded"

# Files inside a SavedModel directory.
ASSETS_EXTRA = "assets.extra"  # TensorFlow Serving's own name for extra assets
METADATA_FILE = f"{ASSETS_EXTRA}/forger.json"
WARMUP_FILE = f"{ASSETS_EXTRA}/tf_serving_warmup_requests"
MANIFEST_FILE = f"{ASSETS_EXTRA}/manifest.json"  # written by the push, JSON object: every other file -> its sha256
MAX_WARMUP_REQUESTS = 1000  # TensorFlow Serving's own limit

VERDICT_FILE = "verdict.json"  # the gate's verdict, in its evaluation; the push puts it into METADATA_FILE

# Keys of METADATA_FILE (JSON object). The trainer writes all but GATE and RUN_ID, the push adds those.
META_FORMAT = "format"  # int, METADATA_FORMAT
METADATA_FORMAT = 1
META_DATASET = "dataset"  # TFDS name
META_CLASS_NAMES = "class_names"  # list of str, index = label
META_CONDITIONAL = "conditional"  # bool: does the label choose the class?
META_LATENT_SIZE = "latent_size"  # int
META_IMAGE_SHAPE = "image_shape"  # [height, width, channels]
META_RECIPE = "recipe"  # "conv" or "article"
META_SEED = "seed"  # int, of the training
META_CONFIG = "config"  # the generator's training settings
META_CODE_HASH = "code_hash"  # sha256 of the training sources
META_DATA_DIGEST = "data_digest"  # sha256 of the ingested records
META_TRAINING_KEY = "training_key"  # sha256 of all that decides the weights
META_FORGER_VERSION = "forger_version"  # of the program that trained it, see serving/repository/version.py
# {"kind": "memory" or "stream", "images": how many, "augment": probability, "examples": sha256 of them in their order}.
META_INPUT = "training_input"
# [{"step": the one after which it begins, "precision": dtype policy, "devices": their name and number}, ...].
META_STRETCHES = "training_stretches"
# Which of the training's averages this is: {"step": its own, "reached": steps taken, "steps": steps planned, "ended": "whole",
# "stopped" or "broke down", "distance" and "last_distance": its own and the last average's from the train images, or null}.
META_OUTCOME = "training_outcome"
META_RUN_ID = "run_id"  # the pipeline run that pushed it
META_GATE = "gate"  # the gate's verdict, see components/gate/verdict/verdict.py; of what was stable then it has ("" for none):
GATE_SERVED_VERSION, GATE_SERVED_DIGEST = "served_version", "served_digest"

# Layout of a serving directory: <model base>/<version>/saved_model.pb, the version a positive int64.
# Names that start with "." are never versions (staging directories).
# MODELS_CONFIG_FILE beside the model bases says which versions of each are served, and under which labels: TensorFlow Serving's
# own ModelServerConfig as a text proto, written by push, rollback and promotion, polled by whatever serves.
MODELS_CONFIG_FILE = "models.config"
LABEL_STABLE = "stable"  # what clients get who ask for no canary
LABEL_PREVIOUS = "previous"  # stable before that; stays loaded, so that a rollback takes one poll
LABEL_CANARY = "canary"  # pushed but not yet promoted
SAVED_MODEL_FILE = "saved_model.pb"
