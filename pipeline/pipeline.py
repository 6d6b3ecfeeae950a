"""The pipeline: which components there are, and what flows between them."""

from __future__ import annotations

from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2

# Not `tfx.v1`: it also imports the Google Cloud extensions, seconds that every run would wait for.
from tfx.components import StatisticsGen, Trainer, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2

from components.codehash import code_digest
from components.gan import identity
from components.gate.baseline import Baseline
from components.gate.evaluator import Gate
from components.ingest.example_gen import TfdsExampleGen
from components.ingest.record import PreparedDataset
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.ingest.validator import FatalExampleValidator, statistics_options
from components.push.infra_validator import GeneratorInfraValidator
from components.push.pusher import GeneratorPusher
from pipeline.config import Config

# The sources whose change must run a node again; TFX's cache does not see them by itself.
_PIXEL_SOURCES = ("components/transform", "serving/contract.py")
_JUDGE_SOURCES = ("components/judge", *_PIXEL_SOURCES)
_GATE_SOURCES = ("components/gate", *_JUDGE_SOURCES)
_PUSH_SOURCES = ("components/push", "serving/contract.py")


@dataclass(frozen=True)
class Places:
    """Where a pipeline finds and leaves things; the only part that differs between runners."""

    pipeline_name: str
    pipeline_root: str
    data_dir: str
    schema_file: str
    serving_base: str
    work_dir: str  # of interrupted trainings; "" for the Trainer's own output
    baseline: tuple[str, str]  # version and digest, see `components.gate.baseline.choose_baseline`


def training_key(config: Config, prepared: PreparedDataset) -> str:
    """Return the identity of the GAN training that a configuration asks for."""
    return identity.training_key(
        config.gan, config.data.dataset, config.data.train_split, prepared.digest, code_digest(*identity.SOURCES)
    )


def create_components(config: Config, prepared: PreparedDataset, places: Places) -> list[BaseComponent]:
    """Wire all components, in the order in which they run."""
    data = config.data
    dataset = {"dataset": data.dataset, "class_names": list(prepared.class_names)}
    examples = TfdsExampleGen(data.dataset, places.data_dir, data.train_split, data.eval_split, prepared.digest)
    schema = ImportSchemaGen(schema_file=places.schema_file)
    statistics = StatisticsGen(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], stats_options=statistics_options()
    )
    validator = FatalExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    transform = Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        disable_statistics=True,  # nothing reads them; they would cost as much as the transformation
        custom_config={"code_hash": code_digest(*_PIXEL_SOURCES)},
    )
    transform.add_upstream_node(validator)
    splits = {
        "train_args": trainer_pb2.TrainArgs(splits=[TRAIN_SPLIT]),
        "eval_args": trainer_pb2.EvalArgs(splits=[EVAL_SPLIT]),
    }
    judge = Trainer(
        run_fn="components.judge.trainer.run_fn",
        examples=transform.outputs["transformed_examples"],
        custom_config={"settings": config.judge.model_dump(), **dataset, "code_hash": code_digest(*_JUDGE_SOURCES)},
        **splits,
    ).with_id("JudgeTrainer")
    key = training_key(config, prepared)
    gan = Trainer(
        run_fn="components.gan.trainer.run_fn",
        examples=transform.outputs["transformed_examples"],
        custom_config={
            "settings": config.gan.model_dump(),
            **dataset,
            "code_hash": code_digest(*identity.SOURCES),
            "data_digest": prepared.digest,
            "training_key": key,
            "work_dir": places.work_dir,
        },
        **splits,
    ).with_id("GanTrainer")
    # A judge below its bar stops the run before the long training; it never feeds into it.
    gan.add_upstream_node(judge)
    version, digest = places.baseline
    baseline = Baseline(serving_base=places.serving_base, training_key=key, version=version, version_digest=digest)
    baseline.add_upstream_node(gan)
    gate = Gate(
        examples=transform.outputs["transformed_examples"],
        model=gan.outputs["model"],
        baseline=baseline.outputs["baseline"],
        judge=judge.outputs["model"],
        settings=config.gate,
        class_names=list(prepared.class_names),
        code_hash=code_digest(*_GATE_SOURCES),
    )
    infra = GeneratorInfraValidator(
        model=gan.outputs["model"],
        model_blessing=gate.outputs["blessing"],
        timeout_s=config.push.infra_timeout_s,
        code_hash=code_digest(*_PUSH_SOURCES),
    )
    pusher = GeneratorPusher(
        model=gan.outputs["model"],
        evaluation=gate.outputs["evaluation"],
        model_blessing=gate.outputs["blessing"],
        infra_blessing=infra.outputs["blessing"],
        serving_base=places.serving_base,
        keep_versions=config.push.keep_versions,
        canary=config.push.canary,
        code_hash=code_digest(*_PUSH_SOURCES),
    )
    return [examples, schema, statistics, validator, transform, judge, gan, baseline, gate, infra, pusher]


def create_pipeline(
    config: Config,
    prepared: PreparedDataset,
    places: Places,
    metadata: metadata_store_pb2.ConnectionConfig | None = None,
) -> Pipeline:
    """Create the pipeline.

    It doesn't say where Beam runs: TFX's cache keys hold a pipeline's Beam arguments, and another engine makes nothing else.

    Args:
        config: All settings.
        prepared: The dataset on disk.
        places: Where things are.
        metadata: MLMD's connection, for the local runner.
    """
    return Pipeline(
        pipeline_name=places.pipeline_name,
        pipeline_root=places.pipeline_root,
        components=create_components(config, prepared, places),
        enable_cache=True,
        metadata_connection_config=metadata,
    )
