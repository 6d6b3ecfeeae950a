"""A worker that an engine starts as a process of its own."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.worker import sdk_worker_main
from google.protobuf import text_format

from pipeline.engines import worker


class Engine(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    """Tells workers where to go, as Beam's runners do."""

    def GetProvisionInfo(self, request, context):
        self.asked_by = dict(context.invocation_metadata())["worker_id"]
        info = beam_provision_api_pb2.ProvisionInfo(
            control_endpoint=endpoints_pb2.ApiServiceDescriptor(url="127.0.0.1:1"),
            logging_endpoint=endpoints_pb2.ApiServiceDescriptor(url="127.0.0.1:2"),
            runner_capabilities=["one", "two"],
        )
        info.pipeline_options.update({"beam:option:job_name:v1": "forger-job"})
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


@pytest.fixture
def engine():
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = Engine()
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(servicer, server)
    server.start()
    yield servicer
    server.stop(0)


def test_the_engine_says_where_everything_is(engine):
    told = worker.environment("worker-7", engine.address)
    assert engine.asked_by == told["WORKER_ID"] == "worker-7"
    control = text_format.Parse(told["CONTROL_API_SERVICE_DESCRIPTOR"], endpoints_pb2.ApiServiceDescriptor())
    assert control.url == "127.0.0.1:1"
    assert json.loads(told["PIPELINE_OPTIONS"]) == {"beam:option:job_name:v1": "forger-job"}
    assert told["RUNNER_CAPABILITIES"] == "one two"
    assert "STATUS_API_SERVICE_DESCRIPTOR" not in told  # Beam takes one that is set as one to call


def test_beams_worker_starts_with_it(engine, monkeypatch):
    seen = {}
    monkeypatch.setattr(sdk_worker_main, "main", lambda _: seen.update(worker.os.environ))
    monkeypatch.setattr(worker.os, "environ", {})
    flags = ["--id=worker-7", f"--provision_endpoint={engine.address}", "--semi_persist_dir=/tmp", "--control_endpoint=other:1"]
    monkeypatch.setattr("sys.argv", ["forger-worker", *flags])
    worker.main()
    assert seen["WORKER_ID"] == "worker-7"
    assert "127.0.0.1:1" in seen["CONTROL_API_SERVICE_DESCRIPTOR"]
