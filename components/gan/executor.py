"""The run_fn of the GAN's Trainer node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from components.classes import group_count
from components.gan.export import export
from components.gan.input.source import open_source
from components.gan.settings import GanSettings
from components.gan.training.checkpoints import working_directory
from components.gan.training.devices import choose_strategy
from components.gan.training.journal_files import METRICS_FILE, SAMPLES_DIR, TENSORBOARD_DIR
from components.gan.training.loop import train
from components.gan.training.outcome import OUTCOME_FILE, read_outcome
from components.gan.training.provenance import Provenance
from components.gan.training.workers import is_chief
from serving.repository import contract
from serving.repository.layout import model_name
from serving.repository.version import forger_version


def run_fn(fn_args: Any) -> None:
    """Train the GAN on the transformed train split and export its generator.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `settings` (of `GanSettings`), `dataset`, `class_names`, `code_hash`,
            `data_digest`, `training_key` and `work_dir` ("" for the Trainer's own output directory).
    """
    strategy = choose_strategy()  # before any other operation: the devices of a cluster can't be chosen later
    config = fn_args.custom_config
    settings = GanSettings(**config["settings"])
    output = Path(fn_args.model_run_dir)
    work = working_directory(Path(config["work_dir"]), config["training_key"]) if config["work_dir"] else output
    source = open_source(fn_args.train_files, settings, work)
    state = train(source, group_count(config["class_names"]), settings, work, strategy)
    if not is_chief():
        return
    outcome = read_outcome(work)
    assert outcome is not None  # `train` has written it
    conditional = state.recipe.CONDITIONAL and bool(config["class_names"])
    metadata = {
        contract.META_FORMAT: contract.METADATA_FORMAT,
        contract.META_DATASET: config["dataset"],
        contract.META_CLASS_NAMES: config["class_names"],
        contract.META_CONDITIONAL: conditional,
        contract.META_LATENT_SIZE: settings.latent_size,
        contract.META_RECIPE: settings.recipe,
        contract.META_SEED: settings.seed,
        contract.META_CONFIG: settings.model_dump(),
        contract.META_IMAGE_SHAPE: list(state.shape),
        contract.META_CODE_HASH: config["code_hash"],
        contract.META_DATA_DIGEST: config["data_digest"],
        contract.META_TRAINING_KEY: config["training_key"],
        contract.META_FORGER_VERSION: forger_version(),
        contract.META_INPUT: {
            "kind": source.kind,
            "images": source.count,
            "augment": state.settings.augment,
            "examples": source.digest,
        },
        contract.META_STRETCHES: [stretch.model_dump() for stretch in Provenance.read(work).stretches],
        contract.META_OUTCOME: outcome.as_dict(),
    }
    export(
        state, Path(fn_args.serving_model_dir), model_name(config["dataset"]), metadata, source.labels, conditional=conditional
    )
    if work != output:
        _keep_journal(work, output)


def _keep_journal(work: Path, output: Path) -> None:
    """Copy the journal into the node's output artifact; the checkpoints stay where a rerun finds them."""
    output.mkdir(parents=True, exist_ok=True)
    for name in (METRICS_FILE, OUTCOME_FILE):
        shutil.copy2(work / name, output / name)
    for name in (SAMPLES_DIR, TENSORBOARD_DIR):
        shutil.copytree(work / name, output / name, dirs_exist_ok=True)
