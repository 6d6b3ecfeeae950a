"""The data components, run by TFX itself on real MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tfx import v1 as tfx
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils, standard_artifacts

from components.ingest.component import TfdsExampleGen
from components.transform import pixels
from components.transform.executor import BACKGROUND, SHAPE
from components.validate.component import FatalExampleValidator
from components.validate.schema import write_schema
from components.validate.statistics import statistics_options
from serving.repository.errors import UserError
from tests.support.shapes import GREY_28

# The image name is never used by a local runner; without it TFX packs itself anew for every Beam component.
BEAM_ARGS = ["--runner=FnApiRunner", "--sdk_container_image=none"]
TRAIN, TEST = "train[:300]", "test[:200]"


def run(nodes: list, home: Path) -> None:
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="ingest",
            pipeline_root=str(home / "pipeline_root"),
            components=nodes,
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(home / "metadata.sqlite")
            ),
            beam_pipeline_args=BEAM_ARGS,
        )
    )


def example_gen(mnist, **changes) -> TfdsExampleGen:
    options = {"dataset": "mnist", "data_dir": str(mnist.directory.parent.parent), "train_split": TRAIN, "eval_split": TEST}
    return TfdsExampleGen(**{**options, "data_digest": mnist.digest, **changes})


def checked(examples, mnist, home: Path) -> list:
    """The nodes between examples and Transform."""
    schema = tfx.components.ImportSchemaGen(schema_file=str(write_schema(mnist, GREY_28, home / "schema")))
    statistics = tfx.components.StatisticsGen(
        examples=examples, schema=schema.outputs["schema"], stats_options=statistics_options()
    )
    validator = FatalExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        examples=examples,
        class_names=list(mnist.class_names),
        max_shared=0.01,
        code_hash="c",
    )
    return [schema, statistics, validator]


def transform(examples, schema, validator) -> tfx.components.Transform:
    node = tfx.components.Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="components.transform.executor.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=["train", "test"]),
        disable_statistics=True,
        custom_config={SHAPE: list(GREY_28), BACKGROUND: "#ffffff"},
    )
    node.add_upstream_node(validator)
    return node


def records(home: Path, output: str, split: str) -> list[bytes]:
    """Serialized examples of the newest execution's output."""
    newest = max((home / "pipeline_root").glob(f"*/{output}/*"), key=lambda path: int(path.name))
    files = sorted(map(str, (newest / f"Split-{split}").iterdir()))
    assert 1 <= len(files) <= 2
    return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


@pytest.fixture(scope="module")
def home(mnist, tmp_path_factory) -> Path:
    """A home in which all data components have run."""
    home = tmp_path_factory.mktemp("ingest")
    source = example_gen(mnist)
    nodes = checked(source.outputs["examples"], mnist, home)
    run([source, *nodes, transform(source.outputs["examples"], nodes[0], nodes[2])], home)
    return home


@pytest.mark.parametrize(("split", "expression"), [("train", TRAIN), ("test", TEST)])
def test_examples_are_tfds_own_records(home, mnist, split, expression):
    builder = tfds.builder_from_directory(mnist.directory)
    files = tf.data.TFRecordDataset([str(mnist.directory / name) for name in builder.info.splits[split].filenames])
    count = builder.info.splits[expression].num_examples
    assert records(home, "examples", split) == list(files.take(count).as_numpy_iterator())


@pytest.mark.parametrize(("split", "expression"), [("train", TRAIN), ("test", TEST)])
def test_transformed_pixels_are_tfds_own_images(home, mnist, split, expression):
    images, labels = pixels.parse_transformed(tf.constant(records(home, "transformed_examples", split)), GREY_28)
    expected = list(tfds.builder_from_directory(mnist.directory).as_dataset(split=expression).as_numpy_iterator())
    np.testing.assert_array_equal(images, [row["image"] for row in expected])
    assert labels.numpy().tolist() == [row["label"] for row in expected]


def test_cache_follows_content_not_times(home, mnist):
    def executions() -> int:
        return len(list((home / "pipeline_root" / "TfdsExampleGen" / "examples").iterdir()))

    before = executions()
    for path in mnist.directory.iterdir():
        path.touch()
    run([example_gen(mnist)], home)
    assert executions() == before
    run([example_gen(mnist, train_split="train[:301]")], home)
    assert executions() == before + 1


def test_data_that_changed_after_set_up_stops_the_run(mnist, tmp_path):
    with pytest.raises(UserError, match="mnist changed after set-up"):
        run([example_gen(mnist, data_digest="0" * 64)], tmp_path)


@pytest.mark.parametrize(
    ("expression", "message"), [("validation", "'validation' of mnist can't be read"), ("train[:0]", "holds no records")]
)
def test_wrong_split_is_named(mnist, tmp_path, expression, message):
    with pytest.raises(UserError, match=message) as error:
        run([example_gen(mnist, eval_split=expression)], tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("train", "evaluated", "shared"), [("test[:1000]", "test[:500]", 500), ("train[:60%]", "train[59%:]", 600)]
)
def test_splits_that_share_records_are_refused_at_once(mnist, tmp_path, train, evaluated, shared):
    with pytest.raises(UserError, match=f"share {shared} records.*take splits that share none") as error:
        run([example_gen(mnist, train_split=train, eval_split=evaluated)], tmp_path)
    assert train in str(error.value)
    assert evaluated in str(error.value)
    assert "\n" not in str(error.value)


def damaged_examples(mnist, home: Path, damages: list) -> tfx.dsl.Importer:
    """Real records, of which the first of the test split were altered, each by its own damage."""
    builder = tfds.builder_from_directory(mnist.directory)
    for split in ("train", "test"):
        files = tf.data.TFRecordDataset([str(mnist.directory / name) for name in builder.info.splits[split].filenames])
        folder = home / "damaged" / f"Split-{split}"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
            for index, record in enumerate(files.take(200).as_numpy_iterator()):
                example = tf.train.Example.FromString(record)
                if split == "test" and index < len(damages):
                    damages[index](example.features.feature)
                writer.write(example.SerializeToString())
    properties = {"split_names": artifact_utils.encode_split_names(["train", "test"])}
    return tfx.dsl.Importer(
        source_uri=str(home / "damaged"), artifact_type=standard_artifacts.Examples, properties=properties
    ).with_id("Examples")


def drop(name: str):
    return lambda feature: feature.pop(name)


def set_label(feature):
    feature["label"].int64_list.value[:] = [10]


def set_image(content: bytes):
    def damage(feature):
        feature["image"].bytes_list.value[:] = [content]

    return damage


@pytest.mark.parametrize(
    ("damages", "reasons"),
    [
        ([drop("label"), drop("image")], ["feature image: .*fewer examples", "feature label: .*fewer examples"]),
        ([set_label, set_image(b"no image")], ["feature image: .*supported images: 0.99", "feature label: .*10"]),
        ([set_image(b"no image")] * 70, ["feature image: More than a fifth"]),
    ],
    ids=["missing features", "wrong values", "hardly any images"],
)
def test_anomalies_stop_the_run(mnist, tmp_path, damages, reasons):
    source = damaged_examples(mnist, tmp_path, damages)
    with pytest.raises(UserError, match=".*".join(f"split test, {reason}" for reason in reasons)) as error:
        run([source, *checked(source.outputs["result"], mnist, tmp_path)], tmp_path)
    assert "\n" not in str(error.value)
    assert "split train" not in str(error.value)


def test_copies_of_training_images_stop_the_run(mnist, tmp_path):
    builder = tfds.builder_from_directory(mnist.directory)
    images = [row["image"] for row in builder.as_dataset(split="train[:20]").as_numpy_iterator()]
    # Compressed anew: other bytes of the same pixels.
    source = damaged_examples(mnist, tmp_path, [set_image(tf.io.encode_png(image, 1).numpy()) for image in images])
    with pytest.raises(UserError, match=r"^20 of the 200 images to judge by are training images as well") as error:
        run([source, *checked(source.outputs["result"], mnist, tmp_path)], tmp_path)
    assert "\n" not in str(error.value)


def test_a_class_of_one_split_stops_the_run(mnist, tmp_path):
    source = example_gen(mnist, eval_split="test[:40]")
    with pytest.raises(
        UserError, match=r"40 images are too few to judge by.*too few images to judge by, under 10, of 0 \("
    ) as error:
        run([source, *checked(source.outputs["examples"], mnist, tmp_path)], tmp_path)
    assert "\n" not in str(error.value)


def test_another_size_is_brought_to_the_shape(mnist, tmp_path):
    wide = tf.io.encode_png(np.full((56, 90, 3), 100, np.uint8)).numpy()
    source = damaged_examples(mnist, tmp_path, [set_image(wide)])
    nodes = checked(source.outputs["result"], mnist, tmp_path)
    run([source, *nodes, transform(source.outputs["result"], nodes[0], nodes[2])], tmp_path)
    images, _ = pixels.parse_transformed(tf.constant(records(tmp_path, "transformed_examples", "test")), GREY_28)
    assert (images.numpy() == 100).all(axis=(1, 2, 3)).sum() == 1


def test_executors_load_by_path():
    """So that another orchestrator finds them."""
    assert issubclass(TfdsExampleGen.EXECUTOR_SPEC.executor_class, base_beam_executor.BaseBeamExecutor)
    assert issubclass(FatalExampleValidator.EXECUTOR_SPEC.executor_class, BaseExecutor)
