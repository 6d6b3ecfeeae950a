"""Push, rollback, canary and promotion as a client of a running server sees them: it follows models.config."""

import shutil

import numpy as np
import pytest

from components.push.layout import push_model
from serving.client import ClientError, GeneratorClient
from serving.repository import contract
from serving.repository.labels import promote, release, roll_back
from serving.saved_model.generator import LocalGenerator
from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions
from tests.support.tiny_generator import build_tiny_generator
from tests.support.waiting import wait_until

_SEEDS, _LABELS = np.arange(8), np.arange(8)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return [build_tiny_generator(root / str(index), scale=1.0 + index, training_key=str(index)) for index in range(3)]


@pytest.fixture
def base(tmp_path, models):
    base = tmp_path / "serving" / "tiny"
    for model in models[:2]:
        push_model(model, base, run_id="r", verdict={}, keep_versions=9)
    return base


@pytest.fixture
def client(base):
    options = ServerOptions(poll_seconds=0.05)
    with GeneratorServer(base, "tiny", port=0, options=options) as server, GeneratorClient(server.target, "tiny", 30) as client:
        yield client


@pytest.fixture
def draws(client, models):
    """Index of the model that answers; None where the server doesn't have what is asked for."""
    expected = [LocalGenerator(model).sample(_SEEDS, _LABELS)[0] for model in models]

    def answers(**which):
        try:
            images = client.at(**which).sample(_SEEDS, _LABELS)[0]
        except ClientError:
            return None
        return next(index for index, other in enumerate(expected) if np.array_equal(images, other))

    return answers


def _become(draws, stable, **others):
    labels = {contract.LABEL_STABLE: stable, contract.LABEL_PREVIOUS: None, contract.LABEL_CANARY: None, **others}
    wait_until(lambda: {label: draws(label=label) for label in labels} == labels)


def test_a_client_follows_by_label_and_without(base, draws, models):
    _become(draws, 1, previous=0)
    assert draws() == 1

    roll_back(base)
    _become(draws, 0)
    wait_until(lambda: draws() == 0)

    push_model(models[2], base, run_id="r", verdict={}, keep_versions=9, canary=True)
    _become(draws, 0, canary=2)
    assert draws() == 2  # without a label: the highest number, as TensorFlow Serving has it

    promote(base)
    _become(draws, 2, previous=0)

    (base.parent / contract.MODELS_CONFIG_FILE).write_text("model_config_list {")
    wait_until(lambda: draws(label="stable") == 2)
    assert draws(version=3) == 2


def test_a_damaged_version_that_is_released_leaves_the_good_one_serving(base, client, draws):
    _become(draws, 1, previous=0)
    shutil.copytree(base / "2", base / "3")
    (base / "3" / contract.SAVED_MODEL_FILE).write_bytes(b"cut")
    release(base, 3, canary=False)

    def error():
        return next((one.error for one in client.status() if one.version == 3), "")

    wait_until(error)
    assert "saved_model.pb differs" in error()
    assert draws() == 1
    roll_back(base)
    _become(draws, 1)
