"""The Trainer node's function: from files of examples to a model that says how it was made."""

import json
from types import SimpleNamespace

import numpy as np

from components.gan.executor import run_fn
from components.gan.input.shards import find_shards
from components.gan.settings import GanSettings
from components.gan.training.devices import dtype_policy
from components.gan.training.journal_files import read_metrics
from serving.repository import contract
from serving.repository.version import forger_version
from serving.saved_model.generator import LocalGenerator
from tests.support.shards import write_shards


def test_a_streamed_training_leaves_a_model_that_says_so(images, tmp_path):
    settings = GanSettings(input="stream", steps=4, checkpoint_every=4, sample_every=4, batch_size=8, width=4, latent_size=4)
    pattern = write_shards(tmp_path / "examples", *images, [200, 100, 300])
    config = {
        "settings": settings.model_dump(),
        "dataset": "bars",
        "class_names": ["top", "middle", "bottom", "never seen"],
        "code_hash": "c",
        "data_digest": "d",
        "training_key": "e" * 64,
        "work_dir": str(tmp_path / "trainings"),
    }
    model, output = tmp_path / "model" / "Format-Serving", tmp_path / "output"
    run_fn(SimpleNamespace(train_files=[pattern], custom_config=config, model_run_dir=output, serving_model_dir=str(model)))
    card = json.loads((model / contract.METADATA_FILE).read_text())
    digest = card[contract.META_INPUT].pop("examples")
    assert card[contract.META_INPUT] == {"kind": "stream", "images": 600, "augment": 0.0}
    assert digest == find_shards([pattern], tmp_path / "again").digest
    assert card[contract.META_STRETCHES] == [{"step": 0, "precision": dtype_policy(settings), "devices": "CPU"}]
    assert card[contract.META_CONFIG]["input"] == "stream"
    assert card[contract.META_FORGER_VERSION] == forger_version()
    assert [line["step"] for line in read_metrics(output)] == [4]
    (shards,) = (tmp_path / "trainings").glob("*/shards.json")
    assert sorted(count for _, count, *_ in json.loads(shards.read_text()).values()) == [100, 200, 300]
    generator = LocalGenerator(model)
    assert set(generator.sample(np.arange(50), np.full(50, contract.ANY_LABEL))[1]) == {0, 1, 2}  # never what it can't draw
    assert set(generator.sample(np.arange(2), np.array([3, 3]))[1]) == {3}
    assert np.isfinite(read_metrics(output)[0]["d_loss"])
