"""The pipeline: which components there are, and what flows between them."""

from __future__ import annotations

from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2

# Not `tfx.v1`: it also imports the Google Cloud extensions, seconds that every run would wait for.
from tfx.components import StatisticsGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.pipeline import Pipeline

from components.baseline.choice import choose_baseline
from components.baseline.component import Baseline
from components.calibrate.component import GateCalibrator
from components.classes import group_count
from components.codehash import code_digest
from components.gan.component import GanTrainer
from components.gan.training_key import SOURCES, make_training_key
from components.gate.component import Gate
from components.infra_validate.component import GeneratorInfraValidator
from components.ingest.component import TfdsExampleGen
from components.ingest.image_shape import decide_shape
from components.ingest.record import PreparedDataset
from components.judge.component import JudgeTrainer
from components.push.component import GeneratorPusher
from components.shape import ImageShape
from components.transform.component import Transform
from components.usefulness.component import Usefulness
from components.validate.component import FatalExampleValidator
from components.validate.schema import write_schema
from components.validate.statistics import statistics_options
from pipeline.config import Config
from pipeline.home.home import Home

# The sources whose change must run a node again; TFX's cache does not see them by itself.
_PIXEL_SOURCES = ("components/transform", "components/shape.py", "serving/repository/contract.py")
_JUDGE_SOURCES = ("components/judge", *_PIXEL_SOURCES)
_GATE_SOURCES = ("components/calibrate", "components/gate", *_JUDGE_SOURCES)
_USEFULNESS_SOURCES = ("components/usefulness", "components/gate/drawing", "components/judge/fit.py", *_PIXEL_SOURCES)
_INFRA_SOURCES = ("components/infra_validate", *_PIXEL_SOURCES)
_PUSH_SOURCES = ("components/push", "components/baseline/choice.py", "serving/repository")


@dataclass(frozen=True)
class Places:
    """Where a pipeline finds and leaves things; the only part that differs between runners."""

    pipeline_name: str
    pipeline_root: str
    data_dir: str
    schema_file: str
    serving_base: str
    training_key: str  # see `training_key`
    work_dir: str  # of interrupted trainings; "" for the Trainer's own output
    baseline: tuple[str, str]  # version and digest, see `components.baseline.executor.choose_baseline`


def places_in(home: Home, config: Config, prepared: PreparedDataset, *, pipeline_name: str, pipeline_root: str) -> Places:
    """Settle where a pipeline over a home finds and leaves things: its schema is written, its baseline chosen.

    Args:
        home: The home, open.
        config: All settings.
        prepared: The dataset on disk.
        pipeline_name: TFX's name of the pipeline.
        pipeline_root: Where artifacts go; "" where the runner knows.

    Raises:
        UserError: What says which versions are served can't be read.
    """
    serving_base, key = home.model_base(config.data.dataset), training_key(config, prepared)
    return Places(
        pipeline_name=pipeline_name,
        pipeline_root=pipeline_root,
        data_dir=str(home.data),
        schema_file=str(write_schema(prepared, image_shape(config, prepared), home.schemas)),
        serving_base=str(serving_base),
        training_key=key,
        work_dir=str(home.trainings),
        baseline=choose_baseline(serving_base, key),
    )


def training_key(config: Config, prepared: PreparedDataset) -> str:
    """Return the identity of the GAN training that a configuration asks for."""
    data, shape = config.data, image_shape(config, prepared)
    return make_training_key(
        config.gan, data.dataset, data.train_split, prepared.digest, shape, data.background, code_digest(*SOURCES)
    )


def image_shape(config: Config, prepared: PreparedDataset) -> ImageShape:
    """Return the shape that all images of a run get.

    Raises:
        UserError: The data have none that is supported.
    """
    return decide_shape(prepared.shapes, config.data.image_size, config.data.channels)


def create_components(config: Config, prepared: PreparedDataset, places: Places) -> list[BaseComponent]:
    """Wire all components, in the order in which they run."""
    data, class_names = config.data, list(prepared.class_names)
    # TFDS's own records, undecoded, in the splits `train` and `test`.
    examples = TfdsExampleGen(data.dataset, places.data_dir, data.train_split, data.eval_split, prepared.digest)
    # The curated schema: what every image set must look like.
    schema = ImportSchemaGen(schema_file=places.schema_file)
    # Statistics of every record, images included.
    statistics = StatisticsGen(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], stats_options=statistics_options()
    )
    # Stops the run where the data don't fit the schema, or a generator couldn't be judged by the split `test`.
    validator = FatalExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        examples=examples.outputs["examples"],
        class_names=class_names,
        max_shared=data.max_shared,
        code_hash=code_digest("components/validate"),
    )
    # Encoded images to raw pixels of one shape, the ones that all that follows looks at.
    transform = Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        shape=image_shape(config, prepared),
        background=data.background,
        code_hash=code_digest(*_PIXEL_SOURCES),
    )
    transform.add_upstream_node(validator)
    # The frozen networks that the gate looks through.
    judge = JudgeTrainer(
        examples=transform.outputs["transformed_examples"],
        settings=config.judge,
        dataset=data.dataset,
        class_names=class_names,
        code_hash=code_digest(*_JUDGE_SOURCES),
    )
    # What real images, and images with a known fault, do to the gate's figures.
    calibrator = GateCalibrator(
        examples=transform.outputs["transformed_examples"],
        judge=judge.outputs["model"],
        max_examples=config.gate.max_examples,
        code_hash=code_digest(*_GATE_SOURCES),
    )
    # The adversarial training.
    gan = GanTrainer(
        examples=transform.outputs["transformed_examples"],
        settings=config.gan,
        dataset=data.dataset,
        class_names=class_names,
        code_hash=code_digest(*SOURCES),
        data_digest=prepared.digest,
        training_key=places.training_key,
        work_dir=places.work_dir,
    )
    # A judge below its bar, or data that the gate can't be calibrated on, stop the run before the long training.
    gan.add_upstream_node(judge)
    gan.add_upstream_node(calibrator)
    # A copy of what is served, to compare with.
    version, digest = places.baseline
    baseline = Baseline(
        serving_base=places.serving_base, training_key=places.training_key, version=version, version_digest=digest
    )
    baseline.add_upstream_node(gan)
    # Blesses samples that are good enough and no worse than what is served.
    gate = Gate(
        examples=transform.outputs["transformed_examples"],
        model=gan.outputs["model"],
        baseline=baseline.outputs["baseline"],
        judge=judge.outputs["model"],
        calibration=calibrator.outputs["calibration"],
        settings=config.gate,
        dataset=data.dataset,
        class_names=class_names,
        code_hash=code_digest(*_GATE_SOURCES),
    )
    blessing, measured = gate.outputs["blessing"], []
    if config.usefulness.enabled:
        # Trains classifiers on generated images, and on as many real ones; takes its blessing back only where a limit is set.
        usefulness = Usefulness(
            examples=transform.outputs["transformed_examples"],
            model=gan.outputs["model"],
            model_blessing=blessing,
            settings=config.usefulness,
            classes=group_count(class_names),
            draw_timeout_s=config.gate.draw_timeout_s,
            code_hash=code_digest(*_USEFULNESS_SOURCES),
        )
        blessing, measured = usefulness.outputs["blessing"], [usefulness]
    # Blesses a model that a fresh process can load and that keeps the serving contract.
    infra = GeneratorInfraValidator(
        model=gan.outputs["model"],
        model_blessing=blessing,
        timeout_s=config.push.infra_timeout_s,
        code_hash=code_digest(*_INFRA_SOURCES),
    )
    # Makes what both blessed the newest served version.
    pusher = GeneratorPusher(
        model=gan.outputs["model"],
        evaluation=gate.outputs["evaluation"],
        model_blessing=blessing,
        infra_blessing=infra.outputs["blessing"],
        serving_base=places.serving_base,
        keep_versions=config.push.keep_versions,
        canary=config.push.canary,
        code_hash=code_digest(*_PUSH_SOURCES),
    )
    return [
        *(examples, schema, statistics, validator, transform),
        *(judge, calibrator, gan, baseline, gate, *measured),
        *(infra, pusher),
    ]


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
