"""The run_fn of the GAN's Trainer node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.gan.checkpoints import working_directory
from components.gan.devices import choose_strategy, is_chief
from components.gan.export import export
from components.gan.journal_files import METRICS_FILE, SAMPLES_DIR, TENSORBOARD_DIR
from components.gan.loop import train
from components.gan.settings import GanSettings
from components.transform.pixels import parse_transformed
from serving import contract

_PARSE_BATCH = 4096  # examples parsed at once


def run_fn(fn_args: Any) -> None:
    """Train the GAN on the transformed train split and export its generator.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `settings` (of `GanSettings`), `dataset`, `class_names`, `code_hash`,
            `data_digest`, `training_key` and `work_dir` ("" for the Trainer's own output directory).
    """
    strategy = choose_strategy()  # before any other operation: the devices of a cluster can't be chosen later
    config = fn_args.custom_config
    settings = GanSettings(**config["settings"])
    images, labels = read_examples(fn_args.train_files)
    output = Path(fn_args.model_run_dir)
    work = working_directory(Path(config["work_dir"]), config["training_key"]) if config["work_dir"] else output
    game = train(images, labels, len(config["class_names"]), settings, work, strategy)
    if not is_chief(strategy):
        return
    metadata = {
        contract.META_FORMAT: contract.METADATA_FORMAT,
        contract.META_DATASET: config["dataset"],
        contract.META_CLASS_NAMES: config["class_names"],
        contract.META_CONDITIONAL: game.recipe.CONDITIONAL,
        contract.META_LATENT_SIZE: settings.latent_size,
        contract.META_RECIPE: settings.recipe,
        contract.META_SEED: settings.seed,
        contract.META_CONFIG: settings.model_dump(),
        contract.META_CODE_HASH: config["code_hash"],
        contract.META_DATA_DIGEST: config["data_digest"],
        contract.META_TRAINING_KEY: config["training_key"],
    }
    export(game, Path(fn_args.serving_model_dir), contract.model_name(config["dataset"]), metadata)
    if work != output:
        _keep_journal(work, output)


def read_examples(patterns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read transformed examples into memory: images uint8 [N, 28, 28, 1] and labels int64 [N], in file order."""
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_PARSE_BATCH).map(parse_transformed)
    images, labels = zip(*records.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _keep_journal(work: Path, output: Path) -> None:
    """Copy the journal into the node's output artifact; the checkpoints stay where a rerun finds them."""
    output.mkdir(parents=True, exist_ok=True)
    shutil.copy2(work / METRICS_FILE, output / METRICS_FILE)
    for name in (SAMPLES_DIR, TENSORBOARD_DIR):
        shutil.copytree(work / name, output / name, dirs_exist_ok=True)
