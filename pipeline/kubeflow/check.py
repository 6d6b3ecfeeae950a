"""What a cluster has of what the pipeline needs, as far as one may look: KFP and its release, then Kubernetes' objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.kubeflow.access import connect_kubernetes
from pipeline.kubeflow.cluster import GAN_TRAINER, Cluster
from pipeline.kubeflow.release import KEEPS_ACCOUNT, KEEPS_RUNS, release_name
from pipeline.kubeflow.server import Client
from serving.repository.errors import first_line

_TIMEOUT_S = 10
_ACCOUNTS = {False: "pipeline-runner", True: "default-editor"}  # KFP's own defaults, by whether it has several users
State = Literal["ok", "missing", "note", "unseen"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: "missing" stops runs, "note" is good to know, "unseen" is what one may not look at.
        what: One line.
    """

    state: State
    what: str


def check_cluster(client: Client, namespace: str, cluster: Cluster, service_account: str | None) -> Iterator[Finding]:
    """Look at all that a run needs; changes nothing.

    Args:
        client: Connected, so KFP is there and not too old.
        namespace: Of the runs.
        cluster: What the compiled pipeline would ask for.
        service_account: Of the pods; None for KFP's default.
    """
    multi_user = bool(client.get_kfp_healthz().multi_user)
    yield Finding("ok", f"{client.release_name}, for {'several users' if multi_user else 'one user'}")
    yield from _of_the_release(client)
    try:
        kubernetes = connect_kubernetes()
    except Exception as error:  # the client's ConfigException, or whatever a broken kubeconfig raises
        mend = "set KUBECONFIG to a kubeconfig of the cluster"
        yield Finding("unseen", f"the objects in Kubernetes: no way to its API ({first_line(error, 100)}); {mend}")
        return
    yield from _of_kubernetes(kubernetes, namespace, cluster, service_account or _ACCOUNTS[multi_user])


def _of_the_release(client: Client) -> Iterator[Finding]:
    release = client.release
    if release is None:
        yield Finding("note", "the server doesn't say its release: the docs name what was tried")
    if release is None or release < KEEPS_RUNS:
        newer = release_name(KEEPS_RUNS)
        yield Finding("note", f"a schedule with runs under way is paused, not removed: {newer} removes it and keeps the runs")
    if release is None or release < KEEPS_ACCOUNT:
        newer = release_name(KEEPS_ACCOUNT)
        yield Finding(
            "note", f"schedule --service-account may be refused: before {newer}, schedules get the server's own account"
        )


def _of_kubernetes(kubernetes: Any, namespace: str, cluster: Cluster, account: str) -> Iterator[Finding]:
    from kubernetes import client as api

    core = api.CoreV1Api(kubernetes)
    yield _look(
        f"service account {account}",
        lambda: core.read_namespaced_service_account(account, namespace, _request_timeout=_TIMEOUT_S),
    )
    if cluster.claim:
        yield _look(
            f"volume claim {cluster.claim}",
            lambda: core.read_namespaced_persistent_volume_claim(cluster.claim, namespace, _request_timeout=_TIMEOUT_S),
            _of_claim,
        )
    wanted = {secret.name: list(secret.env) for secret in cluster.secrets}
    if cluster.image_pull_secret:
        wanted[cluster.image_pull_secret] = [".dockerconfigjson"]
    for name, keys in wanted.items():
        yield _look(
            f"secret {name}",
            lambda name=name: core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT_S),
            lambda secret, keys=keys: _of_secret(secret, keys),
        )
    if cluster.gpus:
        yield _look(
            f"{cluster.gpus} {cluster.gpu_type} on one node",
            lambda: core.list_node(_request_timeout=_TIMEOUT_S).items,
            lambda nodes: _of_nodes(nodes, cluster),
        )
    if cluster.workers > 1:
        jobs = api.CustomObjectsApi(kubernetes)
        yield _look(
            "the training operator's TFJob",
            lambda: jobs.list_namespaced_custom_object(
                "kubeflow.org", "v1", namespace, "tfjobs", limit=1, _request_timeout=_TIMEOUT_S
            ),
        )


def _look(what: str, read: Callable[[], Any], problem: Callable[[Any], str] | None = None) -> Finding:
    """Read something; it is missing where Kubernetes says so or where something is wrong with it."""
    from kubernetes.client import ApiException

    try:
        found = read()
    except ApiException as error:
        if error.status == 404:
            return Finding("missing", what)
        why = "your account may not look" if error.status in (401, 403) else f"Kubernetes answered {error.status}"
        return Finding("unseen", f"{what}: {why}")
    except Exception as error:  # no answer at all, or one of another shape
        return Finding("unseen", f"{what}: {first_line(error, 100)}")
    wrong = problem(found) if problem else ""
    return Finding("missing" if wrong else "ok", f"{what}: {wrong}" if wrong else what)


def _of_claim(claim: Any) -> str:
    modes = list(claim.spec.access_modes or [])
    if "ReadWriteMany" not in modes:
        return f"it is {', '.join(modes) or 'of no access mode'}, steps on several nodes need ReadWriteMany"
    if claim.status.phase == "Lost":
        return "its volume is lost"
    return ""


def _of_secret(secret: Any, keys: list[str]) -> str:
    lacking = [key for key in keys if key not in (secret.data or {})]
    return f"it has no key {lacking[0]}" if lacking else ""


def _of_nodes(nodes: list[Any], cluster: Cluster) -> str:
    labels = cluster.gpu_node_selector or cluster.node_selector
    fitting = [node for node in nodes if labels.items() <= (node.metadata.labels or {}).items()]
    most = max((int((node.status.allocatable or {}).get(cluster.gpu_type, 0)) for node in fitting), default=0)
    if most >= cluster.gpus:
        return ""
    where = f"the {len(fitting)} nodes of {labels}" if labels else f"the {len(nodes)} nodes"
    return f"{where} have at most {most}; a node pool that grows from zero may still bring them (steps of {GAN_TRAINER} wait)"
