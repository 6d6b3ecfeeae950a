"""An API server that speaks KFP's v2beta1 HTTP API, as its swagger says, over an in-memory store.

Bodies are checked against the models of kfp-server-api, which are generated from that swagger: an unknown field, a wrong type or
a value outside of an enumeration is refused with 400, as the real server's JSON gateway does. Like the real one it keeps
namespaces apart where it has several users, refuses a second object of one name, gives pods an account, and takes the running
workflows of a recurring run with it when that is deleted (backend/src/apiserver/resource/resource_manager.go of 2.5 to 2.17).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.kubeflow.cluster import parse
from tests.support.kubeflow.http import Request, serving_json
from tests.support.kubeflow.objects import Refusal, delete, get, model, page, put, uploaded

PREFIX = "/apis/v2beta1"


class Api:
    """The server's state, and what the tests can make it do.

    Attributes:
        version: KFP's release, "unknown" for a server that was built without one.
        multi_user: Whether each namespace sees its own objects only.
        account: What the pods get that were given none.
        killed: Ids of the runs whose workflows were deleted; KFP goes on calling them RUNNING.
        unlisted: Names of the ScheduledWorkflows that Kubernetes took and the database didn't.
        token: Bearer token that is asked for; "" for none.
        failures: (method, path below the prefix) -> status and message of the answer.
        calls: "METHOD PATH" of each request that changes something.
    """

    def __init__(self, version: str = "2.16.1", *, multi_user: bool = False) -> None:
        self.version, self.multi_user = version, multi_user
        self.account = "default-editor" if multi_user else "pipeline-runner"
        self.killed: list[str] = []
        self.unlisted: list[str] = []
        self.token = ""
        self.failures: dict[tuple[str, str], tuple[int, str]] = {}
        self.calls: list[str] = []
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.recurring: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all is on the server."""
        return not (self.pipelines or self.versions or self.experiments or self.recurring or self.runs)

    def answer(self, request: Request) -> dict[str, Any]:
        """Answer one request.

        Raises:
            Refusal: With the status of the answer.
        """
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthenticated: the request lacks a valid token")
        if not request.path.startswith(PREFIX + "/"):
            raise Refusal(404, "Not Found")
        method, path = request.method, request.path.removeprefix(PREFIX)
        if method != "GET":
            self.calls.append(f"{method} {path}")
        if (method, path) in self.failures:
            raise Refusal(*self.failures[method, path])
        for wanted, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                return handler(self, request, *found.groups())
        raise Refusal(404, "Not Found")

    def start(self, recurring_run_id: str) -> str:
        """Start a run of a schedule, as its cron does; returns the run's id."""
        schedule = self.recurring[recurring_run_id]
        run = {key: schedule[key] for key in ("experiment_id", "display_name", "service_account", "namespace")}
        return put(self.runs, "run_id", run | {"recurring_run_id": recurring_run_id, "state": "RUNNING"})["run_id"]

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(map(int, self.version.split("."))) if self.version[0].isdigit() else (2, 5)

    def _space(self, namespace: str | None) -> str:
        """What a namespace means here: nothing where there is one user (`ReplaceNamespace`)."""
        return (namespace or "") if self.multi_user else ""

    def _visible(self, items: dict[str, dict[str, Any]], request: Request) -> dict[str, dict[str, Any]]:
        space = self._space(request.query.get("namespace"))
        return {key: item for key, item in items.items() if item.get("namespace", "") == space}

    def _made(self, items: dict[str, dict[str, Any]], key: str, made: dict[str, Any]) -> dict[str, Any]:
        """Keep a new object; names are unique within a namespace and 128 characters long at most."""
        made["namespace"] = self._space(made.get("namespace"))
        if len(made["display_name"]) > 128:
            raise Refusal(400, "Invalid input error: name is too long")
        if any((item["display_name"], item["namespace"]) == (made["display_name"], made["namespace"]) for item in items.values()):
            raise Refusal(409, f"Already exist error: the name {made['display_name']} already exist")
        return put(items, key, made)

    def healthz(self, request: Request) -> dict[str, Any]:
        known = {"commit_sha": "unknown", "tag_name": self.version, "multi_user": self.multi_user}
        return known | ({"pipeline_store": "database"} if self.release >= (2, 15) else {})

    def list_pipelines(self, request: Request) -> dict[str, Any]:
        return page(self._visible(self.pipelines, request), "pipelines", request.query)

    def create_pipeline(self, request: Request) -> dict[str, Any]:
        return self._made(self.pipelines, "pipeline_id", model(request.body, "V2beta1Pipeline"))

    def delete_pipeline(self, request: Request, key: str) -> dict[str, Any]:
        if any(version["pipeline_id"] == key for version in self.versions.values()):
            raise Refusal(400, "Invalid input error: the pipeline still has versions")
        return delete(self.pipelines, key)

    def list_versions(self, request: Request, key: str) -> dict[str, Any]:
        get(self.pipelines, key)
        own = {each: version for each, version in self.versions.items() if version["pipeline_id"] == key}
        return page(own, "pipeline_versions", request.query)

    def upload_version(self, request: Request) -> dict[str, Any]:
        pipeline, name = request.query["pipelineid"], request.query["name"]
        get(self.pipelines, pipeline)
        if any((item["pipeline_id"], item["display_name"]) == (pipeline, name) for item in self.versions.values()):
            raise Refusal(409, f"Already exist error: a pipeline version with name {name} already exist")
        try:
            parse(uploaded(request))
        except Exception as error:
            raise Refusal(400, f"Invalid input error: invalid v2 pipeline spec: {error}") from error
        return put(self.versions, "pipeline_version_id", {"pipeline_id": pipeline, "display_name": name})

    def delete_version(self, request: Request, pipeline: str, key: str) -> dict[str, Any]:
        return delete(self.versions, key)

    def list_experiments(self, request: Request) -> dict[str, Any]:
        return page(self._visible(self.experiments, request), "experiments", request.query)

    def create_experiment(self, request: Request) -> dict[str, Any]:
        made = model(request.body, "V2beta1Experiment")
        if self.multi_user and not made.get("namespace"):
            raise Refusal(400, "Invalid input error: An experiment cannot have an empty namespace in multi-user mode")
        return self._made(self.experiments, "experiment_id", made)

    def delete_experiment(self, request: Request, key: str) -> dict[str, Any]:
        return delete(self.experiments, key)

    def list_recurring(self, request: Request) -> dict[str, Any]:
        return page(self._visible(self.recurring, request), "recurringRuns", request.query)

    def create_recurring(self, request: Request) -> dict[str, Any]:
        made = model(request.body, "V2beta1RecurringRun")
        made["namespace"] = self._check_references(made)
        if not 1 <= int(made["max_concurrency"]) <= 10:
            raise Refusal(400, "Invalid input error: max concurrency must be between 1 and 10")
        if len(made["display_name"]) > 255:  # Kubernetes has the ScheduledWorkflow by then
            self.unlisted.append(made["display_name"])
            raise Refusal(500, "InternalServerError: Data too long for column 'DisplayName'")
        # Until 2.16 the compiled workflow's own account, which is the server's, hides the one that was asked for.
        asked = made.get("service_account") if self.release >= (2, 17) else None
        # The real server writes 64-bit numbers as texts.
        made |= {
            "status": "ENABLED" if made["mode"] == "ENABLE" else "DISABLED",
            "max_concurrency": str(made["max_concurrency"]),
            "service_account": asked or self.account,
            "created_at": "2026-01-01T03:00:00Z",
        }
        return put(self.recurring, "recurring_run_id", made)

    def disable_recurring(self, request: Request, key: str) -> dict[str, Any]:
        get(self.recurring, key).update(status="DISABLED", mode="DISABLE")
        return {}

    def enable_recurring(self, request: Request, key: str) -> dict[str, Any]:
        get(self.recurring, key).update(status="ENABLED", mode="ENABLE")
        return {}

    def delete_recurring(self, request: Request, key: str) -> dict[str, Any]:
        policy = request.query.get("propagation_policy", "DELETE_PROPAGATION_POLICY_UNSPECIFIED")
        if self.release < (2, 16) or policy != "ORPHAN":  # older servers pass the unknown argument over
            self.killed += [
                run["run_id"] for run in self.runs.values() if run.get("recurring_run_id") == key and run["state"] == "RUNNING"
            ]
        return delete(self.recurring, key)

    def list_runs(self, request: Request) -> dict[str, Any]:
        return page(self._visible(self.runs, request), "runs", request.query)

    def create_run(self, request: Request) -> dict[str, Any]:
        made = model(request.body, "V2beta1Run")
        made["namespace"] = self._check_references(made)
        return put(
            self.runs, "run_id", made | {"service_account": made.get("service_account") or self.account, "state": "PENDING"}
        )

    def _check_references(self, made: dict[str, Any]) -> str:
        """Check what a run names; returns the namespace that it belongs to, the experiment's."""
        reference = made["pipeline_version_reference"]
        version = get(self.versions, reference["pipeline_version_id"])
        if version["pipeline_id"] != reference["pipeline_id"]:
            raise Refusal(400, "Invalid input error: the version is another pipeline's")
        return get(self.experiments, made["experiment_id"])["namespace"]


_ROUTES = [
    ("GET", "/healthz", Api.healthz),
    ("GET", "/pipelines", Api.list_pipelines),
    ("POST", "/pipelines", Api.create_pipeline),
    ("DELETE", "/pipelines/([^/]+)", Api.delete_pipeline),
    ("GET", "/pipelines/([^/]+)/versions", Api.list_versions),
    ("POST", "/pipelines/upload_version", Api.upload_version),
    ("DELETE", "/pipelines/([^/]+)/versions/([^/]+)", Api.delete_version),
    ("GET", "/experiments", Api.list_experiments),
    ("POST", "/experiments", Api.create_experiment),
    ("DELETE", "/experiments/([^/]+)", Api.delete_experiment),
    ("GET", "/recurringruns", Api.list_recurring),
    ("POST", "/recurringruns", Api.create_recurring),
    ("POST", "/recurringruns/([^/]+):disable", Api.disable_recurring),
    ("POST", "/recurringruns/([^/]+):enable", Api.enable_recurring),
    ("DELETE", "/recurringruns/([^/]+)", Api.delete_recurring),
    ("GET", "/runs", Api.list_runs),
    ("POST", "/runs", Api.create_run),
]


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve the API; yields the URL."""

    def answer(request: Request) -> tuple[int, dict[str, Any]]:
        try:
            return 200, api.answer(request)
        except Refusal as refusal:
            return refusal.status, {"error": str(refusal), "message": str(refusal), "code": 2, "details": []}

    with serving_json(answer) as url:
        yield url
