"""Latents, interpolation and PNGs, by both clients and without a server: one set of draws, three ways to run them."""

import asyncio
import inspect
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from components.transform.pixels import quantise
from serving.client import AsyncGeneratorClient, GeneratorClient
from serving.client.draws import slerp
from serving.client.errors import ClientError
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import LATENT_SIZE


class _Awaited:
    """An asynchronous client with the synchronous one's calls."""

    def __init__(self, target: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._make(target))

    async def _make(self, target: str) -> AsyncGeneratorClient:
        return AsyncGeneratorClient(target, "tiny", timeout=30)

    def __getattr__(self, name):
        def call(*args, **kwargs):
            found = getattr(self._client, name)(*args, **kwargs)
            return self._loop.run_until_complete(found) if inspect.isawaitable(found) else found

        return call


@pytest.fixture(params=["synchronous", "asynchronous"])
def client(request, base, start):
    server = start(base)
    if request.param == "synchronous":
        with GeneratorClient(server.target, "tiny", timeout=30) as client:
            yield client
    else:
        client = _Awaited(server.target)
        yield client
        client.close()
        client._loop.close()


def test_every_call_of_one_client_is_a_call_of_the_other():
    def calls(kind):
        functions = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(one).parameters) for name, one in functions if not name.startswith("__")}

    assert calls(GeneratorClient) == calls(AsyncGeneratorClient)


def test_latents_are_what_the_images_are_drawn_from(client):
    seeds, labels = np.arange(300), np.arange(300) % 11 - 1
    latents, chosen = client.latents(seeds, labels)
    assert latents.shape == (300, LATENT_SIZE)
    assert latents.dtype == np.float32
    images, answered = client.sample(seeds, labels)
    assert np.array_equal(chosen, answered)
    assert np.array_equal(quantise(client.sample_latent(latents, chosen)), images)


def test_an_interpolation_goes_from_one_seeds_image_to_the_others(client, tiny):
    images, labels = client.interpolate(3, 9, 6)
    ends, classes = client.sample([3, 9], [-1, -1])
    assert images.shape == (6, 28, 28, 1)
    assert images.dtype == np.uint8
    assert np.array_equal(images[[0, -1]], ends)
    assert labels.tolist() == [classes[0]] * 3 + [classes[1]] * 3
    same, sevens = client.interpolate(3, 9, 5, label=7)
    assert sevens.tolist() == [7] * 5
    assert len({image.tobytes() for image in same}) == 5
    assert np.array_equal(same[[0, -1]], client.sample([3, 9], [7, 7])[0])
    assert np.array_equal(same, LocalGenerator(tiny).interpolate(3, 9, 5, label=7)[0])
    with pytest.raises(ClientError, match="at least 2 steps, not 1"):
        client.interpolate(3, 9, 1)


def test_pngs_are_the_same_images(client):
    pngs, labels = client.sample_png([1, 2, 3], [4, -1, 6])
    images, answered = client.sample([1, 2, 3], [4, -1, 6])
    assert np.array_equal(labels, answered)
    decoded = [np.asarray(Image.open(io.BytesIO(png))) for png in pngs]
    assert np.array_equal(np.stack(decoded), images[..., 0])


def test_metadata_status_and_refusals(client):
    assert client.metadata().version == 1
    assert [one.state for one in client.status()] == ["AVAILABLE"]
    with pytest.raises(ClientError, match="label outside the classes") as caught:
        client.sample([1], [99])
    assert caught.value.code == "INVALID_ARGUMENT"
    with pytest.raises(ClientError, match="does not serve tiny") as caught:
        _sampled(client, version=2)
    assert caught.value.code == "NOT_FOUND"
    assert _sampled(client, version=1).tolist() == [1]
    with pytest.raises(ClientError, match="version or for a label, not for both"):
        client.at(version=1, label="stable")


def _sampled(client, **which):
    """Labels drawn from another version over the same channel."""
    drawn = client.at(**which).sample([1], [1])
    return (client._loop.run_until_complete(drawn) if inspect.isawaitable(drawn) else drawn)[1]


def test_a_model_without_latents_is_named(base, tiny, start):
    import tensorflow as tf

    model = tf.saved_model.load(str(tiny))
    shutil.rmtree(base / "1")
    tf.saved_model.save(model, str(base / "1"), signatures={"serving_default": model.from_latent, "sample": model.sample})
    with (
        GeneratorClient(start(base).target, "tiny", timeout=30) as client,
        pytest.raises(ClientError, match=r"cannot say a seed's latent.*push a newer one"),
    ):
        client.latents([1], [1])
    with pytest.raises(UserError, match="has no signature latent: push a newer one"):
        LocalGenerator(base).interpolate(1, 2, 3)


def test_slerp_keeps_the_length_of_normal_latents():
    a, b = np.random.default_rng(0).normal(size=(2, 512))
    path = slerp(a, b, np.linspace(0, 1, 9))
    assert path.dtype == np.float32
    np.testing.assert_array_equal(path[[0, -1]], np.float32([a, b]))
    lengths = np.linalg.norm(path, axis=1)
    assert lengths.min() > 0.99 * min(np.linalg.norm(a), np.linalg.norm(b))
    units = path / lengths[:, np.newaxis]
    angles = np.arccos((units[1:] * units[:-1]).sum(axis=1))
    # Steps are even for ends of equal length, and nearly so here.
    np.testing.assert_allclose(angles, angles.mean(), rtol=0.1)


@pytest.mark.parametrize("last", [[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]])
def test_slerp_where_there_is_no_angle(last):
    path = slerp(np.array([1.0, 2.0]), np.array(last), np.linspace(0, 1, 3))
    assert np.isfinite(path).all()
    np.testing.assert_allclose(path[[0, -1]], [[1.0, 2.0], last])
