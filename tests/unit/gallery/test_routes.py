"""The gallery's HTTP side, over a real server."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from serving.client import GeneratorClient
from serving.server.app import GeneratorServer
from tests.support.pushed_versions import CLASSES, push_tiny
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratorServer]:
    """Versions 1 and 2, both loaded."""
    serving, scratch = tmp_path_factory.mktemp("serving"), tmp_path_factory.mktemp("scratch")
    push_tiny(serving, scratch, scale=1.0, recall=0.7)
    push_tiny(serving, scratch, scale=0.5, recall=0.8)
    with GeneratorServer(serving / "mnist_gan", "mnist_gan", port=0, rest_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def web(server: GeneratorServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{server.rest_target}", trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(server: GeneratorServer) -> Iterator[GeneratorClient]:
    with GeneratorClient(server.target, "mnist_gan") as drawing:
        yield drawing


def _pixels(png: str | bytes) -> np.ndarray:
    content = base64.b64decode(png.removeprefix("data:image/png;base64,")) if isinstance(png, str) else png
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_model_is_described(web: httpx.Client) -> None:
    model = web.get("/gallery/api/model").json()
    assert (model["name"], model["current"], model["previous"], model["classes"]) == ("mnist_gan", 2, 1, CLASSES)
    assert [one["labels"] for one in model["versions"]] == [["stable"], ["previous"]]
    assert model["versions"][0]["figures"]["recall"] == 0.8


@pytest.mark.parametrize("version", [1, 2])
def test_images_are_those_of_the_version_that_is_asked_for(web: httpx.Client, client: GeneratorClient, version: int) -> None:
    answer = web.get("/gallery/api/images", params={"version": version, "label": -1, "seed": 40, "count": 5}).json()
    images, labels = client.at(version=version).sample(range(40, 45), [-1] * 5)
    assert [one["seed"] for one in answer["images"]] == ["40", "41", "42", "43", "44"]
    assert [one["label"] for one in answer["images"]] == labels.tolist()
    np.testing.assert_array_equal([_pixels(one["png"]) for one in answer["images"]], images[..., 0])


def test_a_path_begins_and_ends_with_its_seeds(web: httpx.Client, client: GeneratorClient) -> None:
    frames = web.get("/gallery/api/path", params={"label": 3, "from": 5, "to": 6, "steps": 4}).json()["frames"]
    images, _ = client.at(version=2).interpolate(5, 6, 4, 3)
    np.testing.assert_array_equal([_pixels(frame) for frame in frames], images[..., 0])
    ends, _ = client.at(version=2).sample([5, 6], [3, 3])
    np.testing.assert_array_equal(images[[0, -1]], ends)


def test_a_path_of_any_class_keeps_to_the_first_seeds_class(web: httpx.Client, client: GeneratorClient) -> None:
    _, labels = client.sample([8], [-1])
    assert web.get("/gallery/api/path", params={"from": 8, "to": 9}).json()["label"] == labels[0]


def test_pictures_are_downloads(web: httpx.Client, client: GeneratorClient) -> None:
    images, _ = client.sample([3, 4], [7, 7])
    one = web.get("/gallery/api/picture.png", params={"label": 7, "seed": 3, "scale": 2})
    assert one.headers["content-disposition"] == 'attachment; filename="mnist_gan-v2-class7-seed3.png"'
    np.testing.assert_array_equal(_pixels(one.content), images[0, :, :, 0].repeat(2, axis=0).repeat(2, axis=1))
    sheet = _pixels(web.get("/gallery/api/picture.png", params={"label": 7, "seed": 3, "count": 2}).content)
    np.testing.assert_array_equal(sheet[:, :28], images[0, :, :, 0])
    np.testing.assert_array_equal(sheet[:, -28:], images[1, :, :, 0])


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("images?count=101", 400, "count must be a whole number from 1 to 100"),
        ("images?seed=x", 400, "seed must be"),
        ("images?label=10", 400, "label"),
        ("images?version=9", 404, "version 9 is not being served"),
        ("path?steps=1", 400, "steps must be"),
        ("picture.png?scale=17", 400, "scale must be"),
        ("nothing", 404, "no such page"),
    ],
)
def test_refusals_are_one_line(web: httpx.Client, path: str, status: int, reason: str) -> None:
    answer = web.get(f"/gallery/api/{path}")
    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/gallery/static/gallery.js", "/gallery/api/model", "/gallery/api/images?count=0"])
def test_every_answer_is_locked_down(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-cache")


def test_only_the_pages_own_files_can_be_had(web: httpx.Client) -> None:
    static = Path(__file__).parents[3] / "serving" / "gallery" / "static"
    for file in static.iterdir():
        assert web.get(f"/gallery/static/{file.name}").content == file.read_bytes()
    for path in ("/gallery/static/../routes.py", "/gallery/static/%2e%2e/routes.py", "/gallery/static/"):
        assert web.get(path).status_code in (404, 405)
    assert web.post("/gallery/api/model").status_code == 405


def test_colour_images_are_shown_in_colour(tmp_path: Path) -> None:
    """Nothing in the gallery knows a shape beforehand."""
    build_tiny_generator(tmp_path / "own_gan" / "1", num_classes=2, shape=(32, 40, 3))
    with (
        GeneratorServer(tmp_path / "own_gan", "own_gan", port=0, rest_port=0) as running,
        httpx.Client(base_url=f"http://{running.rest_target}", trust_env=False) as web,
        GeneratorClient(running.target, "own_gan") as client,
    ):
        images, _ = client.sample([0, 1], [1, 1])
        assert images.shape == (2, 32, 40, 3)
        shown = web.get("/gallery/api/images", params={"label": 1, "count": 2}).json()["images"]
        np.testing.assert_array_equal([_pixels(one["png"]) for one in shown], images)
        sheet = _pixels(web.get("/gallery/api/picture.png", params={"label": 1, "count": 2, "scale": 2}).content)
        assert sheet.shape == (64, 2 * (40 + 2 + 40), 3)
        whole = web.get("/gallery/api/picture.png", params={"label": 1, "count": 100, "scale": 4})
        assert _pixels(whole.content).shape == (4 * (10 * 32 + 9 * 2), 4 * (10 * 40 + 9 * 2), 3)
        huge = web.get("/gallery/api/picture.png", params={"label": 1, "count": 100, "scale": 16})
        assert huge.status_code == 400
        assert huge.json() == {
            "error": "the picture would have 6688 x 5408 pixels, more than 33554432: ask for a smaller scale or count"
        }
        answer = web.post("/v1/models/own_gan:predict", json={"signature_name": "sample", "instances": [{"seed": 0, "label": 1}]})
        assert answer.json()["predictions"][0]["image"] == images[0].tolist()
