"""Servers as processes of their own: ours, and the rivals, each in an environment that is built for it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from tests.benchmarks.serving.generator import MODEL, predict_requests, rows_of
from tests.benchmarks.serving.measure import THREADS

_RIVALS = Path(__file__).with_name("rivals")
_START_SECONDS = 120.0
BATCH, BATCH_SECONDS = 32, 0.001  # what MLServer's batching is set to
PREDICT, INFER = "/tensorflow.serving.PredictionService/Predict", "/inference.GRPCInferenceService/ModelInfer"
REQUIREMENTS = {"MLServer": "mlserver==1.7.1", "KServe": "kserve==0.21.0"}


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        target: Its gRPC address.
        method: Full name of the gRPC method.
        one_row: Requests of one row, serialised, as base64.
        metrics: Address of its Prometheus metrics; ours only.
        pid: Its process; ours only.
    """

    target: str
    method: str
    one_row: list[str]
    metrics: str = ""
    pid: int = 0


@contextlib.contextmanager
def forger(home: Path, *flags: str) -> Iterator[Running]:
    """`forger serve` over a home."""
    port, rest = _free_port(), _free_port()
    program = str(Path(sys.executable).with_name("forger"))
    command = [program, "serve", "--home", str(home), "--port", str(port), "--rest-port", str(rest)]
    metrics = f"http://127.0.0.1:{rest}/monitoring/prometheus/metrics"
    running = Running(f"127.0.0.1:{port}", PREDICT, predict_requests(1), metrics)
    with _process([*command, *flags], home / f"serve-{port}.log", running, {}, home) as pid:
        yield replace(running, pid=pid)


@contextlib.contextmanager
def mlserver(environment: Path, model: Path, work: Path) -> Iterator[Running]:
    """MLServer with a custom runtime and its adaptive batching, in one process."""
    port, http, metrics = _free_port(), _free_port(), _free_port()
    work.mkdir()
    shutil.copy(_RIVALS / "mlserver_runtime.py", work)
    settings = {"host": "127.0.0.1", "grpc_port": port, "http_port": http, "metrics_port": metrics, "parallel_workers": 0}
    (work / "settings.json").write_text(json.dumps({**settings, "debug": False}))
    runtime = {"name": MODEL, "implementation": "mlserver_runtime.Generator"}
    batching = {"max_batch_size": BATCH, "max_batch_time": BATCH_SECONDS}
    (work / "model-settings.json").write_text(json.dumps({**runtime, **batching}))
    command = [str(environment / "bin/mlserver"), "start", str(work)]
    running = Running(f"127.0.0.1:{port}", INFER, _requests(environment, "mlserver.grpc.dataplane_pb2", work))
    with _process(command, work / "log", running, {"GENERATOR": str(model)}, work):
        yield running


@contextlib.contextmanager
def kserve(environment: Path, model: Path, work: Path) -> Iterator[Running]:
    """KServe's Python server with a custom model; it has no batching of its own."""
    port, http = _free_port(), _free_port()
    work.mkdir()
    command = [str(environment / "bin/python"), str(_RIVALS / "kserve_server.py"), str(port), str(http)]
    requests = _requests(environment, "kserve.protocol.grpc.grpc_predict_v2_pb2", work)
    running = Running(f"127.0.0.1:{port}", INFER, requests)
    with _process(command, work / "log", running, {"GENERATOR": str(model)}, work):
        yield running


def build_environment(directory: Path, name: str) -> Path:
    """Make a rival's own environment, with the same TensorFlow as ours."""
    import tensorflow as tf

    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", "3.11", str(directory)], check=True)
    packages = [REQUIREMENTS[name], f"tensorflow=={tf.__version__}"]
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(directory / "bin/python"), *packages]
    subprocess.run(command, check=True)
    return directory


def _requests(environment: Path, module: str, work: Path) -> list[str]:
    rows = [dict(zip(("seed", "label"), (part.tolist() for part in rows_of(turn, 1)), strict=True)) for turn in range(16)]
    command = [str(environment / "bin/python"), str(_RIVALS / "write_requests.py"), module, MODEL, str(work / "requests.json")]
    subprocess.run(command, input=json.dumps(rows), text=True, check=True)
    return json.loads((work / "requests.json").read_text())


@contextlib.contextmanager
def _process(command: list[str], log: Path, running: Running, environment: dict[str, str], directory: Path) -> Iterator[int]:
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=directory, env={**os.environ, **THREADS, **environment}
        )
    try:
        _wait_until_ready(process, running, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(process: subprocess.Popen, running: Running, log: Path) -> None:
    """Return once a request is answered."""
    end = time.monotonic() + _START_SECONDS
    request = base64.b64decode(running.one_row[0])
    why = "no answer"
    with grpc.insecure_channel(running.target) as channel:
        while process.poll() is None and time.monotonic() < end:
            try:
                channel.unary_unary(running.method)(request, timeout=5, wait_for_ready=True)
                return
            except grpc.RpcError as error:
                why = f"{error.code().name}: {error.details()}"
            time.sleep(0.2)
    raise SystemExit(f"{process.args[0]} did not start ({why}):\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
