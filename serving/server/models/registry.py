"""The models of a server: looks after their versions in one thread, and finds the version that a request asks for."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

import grpc
from tensorflow_serving.apis import model_pb2

from serving.repository import contract
from serving.server.metrics import Metrics, ServedVersion
from serving.server.models.config_file import ConfigFile
from serving.server.models.model_config import ModelConfig
from serving.server.models.one_version import LoadedVersion, NotServed, UnknownLabel
from serving.server.models.versions import ModelVersions
from serving.server.options import ServerOptions
from serving.server.requests.refusals import Refusal, invalid, without_paths

_LOGGER = logging.getLogger("forger.serving")


class ModelRegistry:
    """Models by name; safe to use from many threads."""

    def __init__(
        self,
        models: list[ModelConfig],
        options: ServerOptions,
        metrics: Metrics,
        on_change: Callable[[dict[str, bool]], None],
        config_file: ConfigFile | None = None,
    ) -> None:
        """Prepare; nothing is loaded before `start`.

        Args:
            models: What is served at first.
            options: Poll and retry times, batching.
            metrics: Told what is served and how it runs.
            on_change: Called with each model's name and whether a version of it is available, after each change.
            config_file: Polled for other models, policies and labels; None for never.
        """
        self._options, self._metrics, self._on_change, self._config_file = options, metrics, on_change, config_file
        self._lock = threading.Lock()
        self._models = {config.name: self._new(config) for config in models}
        self._joining: dict[str, ModelVersions] = {}  # a reload's new ones: nobody is told of them before all are loaded
        self._retired: list[ModelVersions] = []
        self._reloading, self._announcing = threading.Lock(), threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self.looked = threading.Event()  # set once the first look at every model is over
        self._thread = threading.Thread(target=self._run, name="forger-versions", daemon=True)
        metrics.watch(self._served)

    def start(self) -> None:
        """Begin to look after the models, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a load that is under way is finished first."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        for model in [*self._looked_after(), *self._retired]:
            model.retire()
            model.unload_drained()

    def models(self) -> dict[str, ModelVersions]:
        """The models by name."""
        with self._lock:
            return dict(self._models)

    def check_loaded(self) -> None:
        """Refuse while the first load is under way; TensorFlow Serving does not even listen then, which a client sees alike."""
        if not self.looked.is_set():
            raise Refusal(grpc.StatusCode.UNAVAILABLE, contract.STILL_LOADING)

    @contextlib.contextmanager
    def lease(self, spec: model_pb2.ModelSpec) -> Iterator[LoadedVersion]:
        """Resolve a model spec to a served version and hold on to it.

        Raises:
            Refusal: As in TensorFlow Serving's server_core.cc, `ServableRequestFromModelSpec` and `GetServableHandle`.
        """
        self.check_loaded()
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        model = self.models().get(spec.name)
        label = spec.version_label if spec.HasField("version_label") else None
        version = spec.version.value if spec.HasField("version") else None
        with contextlib.ExitStack() as stack:
            try:
                if model is None:
                    raise NotServed(version) if label is None else UnknownLabel(label)
                leased = stack.enter_context(model.lease(version, label))
            except UnknownLabel:
                raise invalid(f"Unrecognized servable version label: {label}") from None
            except NotServed as missing:
                wanted = f"Latest({spec.name})" if missing.version is None else f"Specific({spec.name}, {missing.version})"
                raise Refusal(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}") from None
            yield leased

    def reload(self, configs: list[ModelConfig], seconds: float) -> None:
        """Serve these models and no others, as TensorFlow Serving's `ReloadConfig` does; on failure everything stays as it was.

        Until the last new model is loaded, what was served before answers as it did; so long both are in memory.

        Args:
            configs: Models, policies and labels; a label must point to a version that is available already.
            seconds: How long new models may take to load.

        Raises:
            Refusal: FAILED_PRECONDITION: a label's version is not available, or a new model has none that loads.
        """
        with self._reloading:
            known = self.models()
            for config in configs:
                available = {loaded.number for loaded in known[config.name].available()} if config.name in known else set()
                for version in config.labels.values():
                    if version not in available:
                        raise Refusal(
                            grpc.StatusCode.FAILED_PRECONDITION,
                            f"Request to assign label to version {version} of model {config.name}, "
                            "which is not currently available for inference",
                        )
            self._join({config.name: self._new(config) for config in configs if config.name not in known})
            problem = self._first_problem(list(self._joining.values()), seconds)
            if problem is None:
                self._configure(configs, self._joining)
            self._join({})
            if problem is not None:
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, problem)
            models = self.models()
            for config in configs:
                models[config.name].set_labels(config.labels)
            self._changed()

    def _first_problem(self, models: list[ModelVersions], seconds: float) -> str | None:
        for model in models:
            if not model.looked.wait(seconds) or not model.available():
                errors = [f"version {state.version}: {without_paths(state.error)}" for state in model.states() if state.error]
                why = "; ".join(errors) or f"no version under {model.config.base}"
                return f"1 model(s) did not become available: {{{model.config.name} due to error: {why}}}"
        return None

    def _join(self, models: dict[str, ModelVersions]) -> None:
        """Load these models too, and let go of those that were joining."""
        with self._lock:
            self._retired.extend(self._joining.values())
            self._joining = models
        self._wake.set()

    def _configure(self, configs: list[ModelConfig], loaded: dict[str, ModelVersions] | None = None) -> None:
        """Put configurations in force; versions follow with the next look, which begins at once.

        Args:
            configs: The models, and no others.
            loaded: New models that were looked at already; those that are taken are removed from it.
        """
        with self._lock:
            wanted = {config.name: config for config in configs}
            for name in [name for name in self._models if name not in wanted]:
                self._retired.append(self._models.pop(name))
            for name, config in wanted.items():
                if name in self._models:
                    self._models[name].config = config
                else:
                    self._models[name] = (loaded or {}).pop(name, None) or self._new(config)
        self._wake.set()

    def _looked_after(self) -> list[ModelVersions]:
        with self._lock:
            return [*self._models.values(), *self._joining.values()]

    def _new(self, config: ModelConfig) -> ModelVersions:
        return ModelVersions(config, self._options, self._metrics, self._changed)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self._poll_config_file()
            for model in self._looked_after():
                try:
                    model.look(self._stop.is_set)
                    model.unload_drained()
                except Exception:  # whatever a file system does, what is served must stay
                    _LOGGER.exception("looking at %s failed", model.config.base)
                model.looked.set()
            self._unload_retired()
            self.looked.set()
            self._wake.wait(self._options.poll_seconds)

    def _poll_config_file(self) -> None:
        file = self._config_file
        if file is not None and (configs := file.changed()) is not None:
            _LOGGER.info("%s changed", file.path)
            self._configure(configs)

    def _unload_retired(self) -> None:
        with self._lock:
            retired = list(self._retired)
        for model in retired:
            model.retire()
            if not model.unload_drained():
                with self._lock:
                    self._retired.remove(model)
        if retired:
            self._changed()

    def _changed(self) -> None:
        with self._announcing:  # else an older state could follow a newer one
            self._on_change({name: bool(model.available()) for name, model in self.models().items()})

    def _served(self) -> list[ServedVersion]:
        found = []
        for name, model in self.models().items():
            labels = model.labels()
            for loaded in model.available():
                named = tuple(sorted(label for label, version in labels.items() if version == loaded.number))
                figures = _gate_figures(loaded.servable.metadata)
                found.append(ServedVersion(name, loaded.number, named, loaded.batcher.queued_rows(), figures))
        return found


def _gate_figures(metadata: dict) -> dict[str, float]:
    gate = metadata.get(contract.META_GATE)
    figures = gate.get("figures") if isinstance(gate, dict) else None
    known = figures.items() if isinstance(figures, dict) else ()
    return {str(name): float(value) for name, value in known if isinstance(value, int | float)}
