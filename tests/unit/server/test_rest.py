"""What REST has beyond the conformance table: gRPC's own answers, limits, metrics, the gallery, and a server that still loads."""

import json

import httpx
import numpy as np
import pytest

from serving.repository import contract
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator
from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions


@pytest.fixture(scope="module")
def server(tiny, tmp_path_factory):
    import shutil

    base = tmp_path_factory.mktemp("rest") / "tiny"
    shutil.copytree(tiny, base / "3")
    metadata = json.loads((base / "3" / contract.METADATA_FILE).read_text())
    metadata[contract.META_GATE] = {"figures": {"frechet_ratio": 1.5, "recall": None}}
    (base / "3" / contract.METADATA_FILE).write_text(json.dumps(metadata))
    options = ServerOptions(max_rows=64, max_message_bytes=100_000)
    with GeneratorServer(base, "tiny", port=0, rest_port=0, options=options) as server:
        yield server


@pytest.fixture(scope="module")
def web(server):
    with httpx.Client(base_url=f"http://{server.rest_target}", timeout=30, trust_env=False) as client:
        yield client


def _predict(web, **body):
    return web.post("/v1/models/tiny:predict", json=body)


def test_rows_columns_and_this_process_agree(web, tiny):
    images, labels = LocalGenerator(tiny).sample([1, 2, 3], [-1, 4, 5])
    rows = _predict(
        web, signature_name="sample", instances=[{"seed": s, "label": c} for s, c in ((1, -1), (2, 4), (3, 5))]
    ).json()
    columns = _predict(web, signature_name="sample", inputs={"seed": [1, 2, 3], "label": [-1, 4, 5]}).json()
    assert np.array_equal([row["image"] for row in rows["predictions"]], images)
    assert [row["label"] for row in rows["predictions"]] == labels.tolist()
    assert columns == {"outputs": {"image": images.tolist(), "label": labels.tolist()}}


def test_floats_are_the_shortest_that_are_the_same_float32(web, tiny):
    latents = np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4)
    answer = _predict(web, inputs={"latent": latents.tolist(), "label": [1, 2]})
    expected = LocalGenerator(tiny).sample_latent(latents, [1, 2])
    found = np.array(answer.json()["outputs"])
    assert np.array_equal(found.astype(np.float32), expected)
    assert str(found.ravel()[0]) == str(expected.ravel()[0])


def test_limits(web):
    rows = _predict(web, signature_name="sample", inputs={"seed": [1] * 65, "label": [1] * 65})
    assert rows.status_code == 400
    assert "the limit is 64 rows" in rows.json()["error"]
    large = web.post("/v1/models/tiny:predict", content=b"x" * 100_001)
    assert (large.status_code, large.json()) == (413, {"error": "the body is larger than 100000 bytes"})


@pytest.mark.parametrize("columns", [True, False])
def test_an_answer_that_is_too_large_says_what_to_do(web, columns):
    """64 rows of 28x28 floats are 200,704 bytes; as bytes, by `sample`, they are fewer than the limit."""
    seeds = {"seed": [1] * 64, "label": [1] * 64}
    latents = {"latent": [[0.0] * 4] * 64, "label": [1] * 64}
    rows = [{"latent": latent, "label": 1} for latent in latents["latent"]]
    answer = _predict(web, inputs=latents) if columns else _predict(web, instances=rows)
    assert answer.status_code == 429
    assert answer.json() == {
        "error": "the answer's tensors hold 200704 bytes, the limit is 100000 bytes in one answer: ask for fewer rows at a time"
    }
    assert _predict(web, signature_name="sample", inputs=seeds).status_code == 200


def test_pages_that_are_not_there(web):
    assert web.get("/x").status_code == 404
    assert web.get("/v1/x").json() == {"error": "Malformed request: GET /v1/x"}
    assert web.put("/v1/models/tiny").status_code == 400


def test_metrics(web):
    _predict(web, signature_name="sample", inputs={"seed": [1, 2], "label": [1, 2]})
    _predict(web, signature_name="no such name", inputs={})
    web.get("/v1/models/m")
    page = web.get("/monitoring/prometheus/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    found = dict(line.rsplit(" ", 1) for line in page.text.splitlines() if not line.startswith("#"))
    of_sample = 'entrypoint="rest",method="Predict",model="tiny",signature="sample"'
    assert float(found[f'forger_serving_requests_total{{code="OK",{of_sample}}}']) >= 1
    assert float(found[f"forger_serving_request_seconds_count{{{of_sample}}}"]) >= 1
    assert float(found['forger_serving_batch_rows_sum{model="tiny",signature="sample"}']) >= 2
    assert found['forger_serving_model_version{model="tiny"}'] == "3.0"
    assert found['forger_serving_version_available{model="tiny",version="3"}'] == "1.0"
    assert found['forger_serving_queue_rows{model="tiny",signature="sample",version="3"}'] == "0.0"
    assert found['forger_serving_gate{metric="frechet_ratio",model="tiny",version="3"}'] == "1.5"
    # Names that a client made up must not become series.
    assert 'signature="no such name"' not in page.text
    assert 'model="m"' not in page.text


def test_the_gallery_is_at_the_root(web):
    page = web.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


def test_a_port_that_is_taken(server, base):
    port = int(server.rest_target.rpartition(":")[2])
    with pytest.raises(UserError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use; .* --rest-port"):
        GeneratorServer(base, "tiny", port=0, rest_port=port)


def test_a_server_that_still_loads(base, monkeypatch):
    import threading

    from serving.saved_model.servable import Servable

    entered, go_on, warm_up = threading.Event(), threading.Event(), Servable.warm_up
    monkeypatch.setattr(Servable, "warm_up", lambda servable: (entered.set(), go_on.wait(), warm_up(servable))[2])
    server = GeneratorServer(base, "tiny", port=0, rest_port=0)
    starting = threading.Thread(target=server.start)
    starting.start()
    entered.wait()
    with httpx.Client(base_url=f"http://{server.rest_target}", timeout=30, trust_env=False) as web:
        answer = web.get("/v1/models/tiny")
        assert (answer.status_code, answer.json()) == (503, {"error": contract.STILL_LOADING})
        go_on.set()
        starting.join()
        assert web.get("/v1/models/tiny").status_code == 200
    server.stop()
