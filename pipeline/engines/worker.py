"""`forger-worker`: a Beam worker that an engine starts itself, for `--beam-environment process`.

Beam has this first step of a worker only as a binary in its container images: ask the engine where everything is, then work.
"""

from __future__ import annotations

import argparse
import os

_WAIT_S = 60  # for the engine's answer


def main() -> None:
    """Work until the engine ends this process."""
    parser = argparse.ArgumentParser(prog="forger-worker", description="Started by Flink or Spark, not by hand.")
    parser.add_argument("--id", required=True, help="the worker's, given by the engine")
    parser.add_argument("--provision_endpoint", required=True, metavar="HOST:PORT", help="where the engine tells the rest")
    options, _ = parser.parse_known_args()  # an engine may name the other endpoints here, too
    os.environ.update(environment(options.id, options.provision_endpoint))
    # Late: it takes seconds, and reads what was just set.
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])


def environment(worker: str, provision_endpoint: str) -> dict[str, str]:
    """Ask the engine, and return what Beam's worker reads from its environment.

    Args:
        worker: The worker's id.
        provision_endpoint: HOST:PORT of the engine's provision service.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format, text_format

    with grpc.insecure_channel(provision_endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = stub.GetProvisionInfo(request, metadata=[("worker_id", worker)], timeout=_WAIT_S).info
    told = {
        "WORKER_ID": worker,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    for service in ("control", "logging", "status"):
        endpoint = getattr(info, f"{service}_endpoint")
        if endpoint.url:
            told[f"{service.upper()}_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(endpoint)
    return told
