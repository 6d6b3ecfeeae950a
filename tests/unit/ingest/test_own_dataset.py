"""TFDS beyond its register: a builder of the user's own, what the user has prepared, and records that hold more than is used."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tfx.types import standard_artifacts

from components.ingest import executor
from components.ingest.prepare import prepare
from components.ingest.settings import DataSettings
from components.shape import ImageShape
from serving.repository.errors import UserError

MODULE = '''
import numpy as np
import tensorflow_datasets as tfds


class {name}(tfds.core.GeneratorBasedBuilder):
    """Photographs of two sizes, with more features than are needed."""

    VERSION = tfds.core.Version("1.2.0")

    def _info(self):
        features = {{
            "photo": tfds.features.Image(shape=(None, None, 3)),
            "kind": tfds.features.ClassLabel(names=["cat", "dog"]),
            "file": tfds.features.Text(),
        }}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {{"train": self._generate_examples(0, 40), "test": self._generate_examples(40, 50)}}

    def _generate_examples(self, first, end):
        for number in range(first, end):
            pixels = np.random.default_rng(number).integers(0, 256, (20, 20 + 4 * (number % 2), 3), dtype=np.uint8)
            yield number, {{"photo": pixels, "kind": number % 2, "file": f"{{number}}.png"}}
'''


@pytest.fixture(scope="module")
def own_module(tmp_path_factory):
    """A package with a builder, in the current directory."""
    place = tmp_path_factory.mktemp("project")
    package = place / "forger_test_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pet_photos.py").write_text(textwrap.dedent(MODULE.format(name="PetPhotos")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield "forger_test_package.pet_photos"


def run_example_gen(prepared, data_dir: Path, tmp_path: Path) -> dict[str, list[tf.train.Example]]:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    properties = {
        executor.DATASET: prepared.dataset,
        executor.DATA_DIR: str(data_dir),
        executor.TRAIN_EXPRESSION: "train[:6000]",
        executor.EVAL_EXPRESSION: "test",
        executor.DATA_DIGEST: prepared.digest,
    }
    executor.Executor().Do({}, {executor.EXAMPLES: [artifact]}, properties)
    return {
        split: [
            tf.train.Example.FromString(row)
            for row in tf.data.TFRecordDataset(
                [str(path) for path in (tmp_path / "examples" / f"Split-{split}").iterdir()], "GZIP"
            ).as_numpy_iterator()
        ]
        for split in ("train", "test")
    }


def test_a_module_of_the_users_own(own_module, tmp_path):
    data = DataSettings(module=own_module)
    prepared = prepare(data, tmp_path)
    assert (prepared.dataset, prepared.version, prepared.origin) == ("pet_photos", "1.2.0", "module")
    assert (prepared.image_key, prepared.label_key, prepared.class_names) == ("photo", "kind", ("cat", "dog"))
    assert prepared.shapes == {ImageShape(20, 20, 3): 25, ImageShape(20, 24, 3): 25}
    assert prepare(data, tmp_path) == prepared
    assert not prepared.verified
    examples = run_example_gen(prepared, tmp_path, tmp_path)
    assert (len(examples["train"]), len(examples["test"])) == (40, 10)
    assert {frozenset(example.features.feature) for example in examples["train"]} == {frozenset({"image", "label"})}
    labels = [example.features.feature["label"].int64_list.value[0] for example in examples["test"]]
    assert sorted(labels) == [0] * 5 + [1] * 5


def test_labels_may_be_left_out(own_module, tmp_path):
    labelled = prepare(DataSettings(module=own_module), tmp_path)
    prepared = prepare(DataSettings(module=own_module, label_key="none"), tmp_path)
    assert not prepared.labelled
    assert prepared.digest != labelled.digest
    examples = run_example_gen(prepared, tmp_path, tmp_path)
    assert {frozenset(example.features.feature) for example in examples["test"]} == {frozenset({"image"})}


def test_a_module_without_that_dataset_names_its_own(own_module, tmp_path):
    with pytest.raises(UserError, match=r"has no dataset 'cats' \(it registers pet_photos\): name it with --set data.dataset"):
        prepare(DataSettings(module=own_module, dataset="cats"), tmp_path)


def test_what_the_user_has_prepared_is_read_where_it_lies(own_module, tmp_path):
    first = prepare(DataSettings(module=own_module), tmp_path / "theirs")
    before = sorted((path, path.stat().st_mtime_ns) for path in first.directory.rglob("*"))
    data = DataSettings(dataset="pet_photos", data_dir=str(tmp_path / "theirs"))
    prepared = prepare(data, tmp_path / "ours")
    assert (prepared.directory, prepared.digest, prepared.class_names) == (first.directory, first.digest, ("cat", "dog"))
    assert prepared.shapes == first.shapes
    assert not prepared.verified
    assert len(run_example_gen(prepared, tmp_path / "ours", tmp_path)["train"]) == 40
    record_file = next(first.directory.glob("*train*"))
    whole = record_file.read_bytes()
    record_file.write_bytes(whole[:-20])
    with pytest.raises(UserError, match=r"train.* is cut or altered: prepare the dataset again"):
        prepare(data, tmp_path / "ours")
    record_file.write_bytes(whole)
    assert prepare(data, tmp_path / "ours") == prepared
    assert [path for path, _ in before] == sorted(first.directory.rglob("*"))


def test_the_newest_version_is_taken(own_module, tmp_path):
    first = prepare(DataSettings(module=own_module), tmp_path / "theirs")
    shutil.copytree(first.directory, first.directory.with_name("1.10.0"))
    prepared = prepare(DataSettings(dataset="pet_photos", data_dir=str(tmp_path / "theirs")), tmp_path / "ours")
    assert prepared.directory == first.directory.with_name("1.10.0")


def test_a_newer_version_is_noticed(own_module, tmp_path):
    first = prepare(DataSettings(module=own_module), tmp_path / "theirs")
    data = DataSettings(dataset="pet_photos", data_dir=str(tmp_path / "theirs"))
    assert prepare(data, tmp_path / "ours").directory == first.directory
    newer = shutil.copytree(first.directory, first.directory.with_name("1.10.0"))
    shutil.copytree(first.directory, first.directory.with_name("1.9.0"))
    assert prepare(data, tmp_path / "ours").directory == newer
    shutil.rmtree(newer)
    assert prepare(data, tmp_path / "ours").directory == first.directory.with_name("1.9.0")


def test_another_directory_of_the_same_relative_name_is_noticed(own_module, tmp_path, monkeypatch):
    first = prepare(DataSettings(module=own_module), tmp_path / "one" / "theirs")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for place in ("one", "two"):
        monkeypatch.chdir(tmp_path / place)
        prepared = prepare(DataSettings(dataset="pet_photos", data_dir="theirs"), tmp_path / "ours")
        assert prepared.directory == tmp_path / place / first.directory.relative_to(tmp_path / "one")


@pytest.mark.parametrize("changed", ["pet_photos.py", "pets/__init__.py", "pets/reading.py"])
def test_a_changed_module_is_noticed(own_module, tmp_path, monkeypatch, notes, changed):
    """Of a package, every file of it."""
    package = shutil.copytree(own_module.partition(".")[0], tmp_path / f"forger_test_{changed[:-3].replace('/', '_')}")
    text = (package / "pet_photos.py").read_text().replace("PetPhotos", f"Pets{len(package.name)}")
    (package / "pet_photos.py").write_text(text)
    (package / "pets").mkdir()
    (package / "pets" / "__init__.py").write_text(f"from {package.name} import pet_photos\n")
    (package / "pets" / "reading.py").touch()
    monkeypatch.chdir(tmp_path)
    module = f"{package.name}.{changed.partition('/')[0].removesuffix('.py')}"
    data = DataSettings(module=module, dataset=f"pets{len(package.name)}")
    before = prepare(data, tmp_path / "data")
    assert prepare(data, tmp_path / "data") == before

    def preparings() -> int:
        return sum("preparing the records" in note for note in notes())

    assert preparings() == 1
    with (package / changed).open("a") as source:
        source.write("\n# another line\n")
    assert prepare(data, tmp_path / "data").digest == before.digest
    assert preparings() == 2


def test_a_module_that_is_gone_is_named(own_module, tmp_path, monkeypatch):
    """Whether it is what it was can't be told any more."""
    prepare(DataSettings(module=own_module), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, own_module)
    monkeypatch.delitem(sys.modules, own_module.partition(".")[0])
    with pytest.raises(UserError, match=rf"data\.module={own_module} can't be imported .*: install it, or start from") as error:
        prepare(DataSettings(module=own_module), tmp_path)
    assert "\n" not in str(error.value)


def test_what_is_not_prepared_is_named(own_module, tmp_path):
    prepare(DataSettings(module=own_module), tmp_path / "theirs")
    with pytest.raises(UserError, match=r"holds no prepared dataset mnist \(it has pet_photos\)"):
        prepare(DataSettings(data_dir=str(tmp_path / "theirs")), tmp_path / "ours")
    with pytest.raises(UserError, match=r"holds no prepared dataset mnist \(it has none at all\)"):
        prepare(DataSettings(data_dir=str(tmp_path / "nowhere")), tmp_path / "ours")


def test_a_damaged_version_is_named(own_module, tmp_path):
    first = prepare(DataSettings(module=own_module), tmp_path / "theirs")
    (first.directory / "dataset_info.json").write_text("{")
    with pytest.raises(UserError, match=r"pet_photos/1.2.0 can't be read as a dataset of TFDS .*: prepare it again"):
        prepare(DataSettings(dataset="pet_photos", data_dir=str(tmp_path / "theirs")), tmp_path / "ours")


def test_altered_data_stop_the_component(own_module, tmp_path):
    prepared = prepare(DataSettings(module=own_module), tmp_path)
    next(prepared.directory.glob("*test*")).write_bytes(b"")
    with pytest.raises(UserError, match=r"pet_photos changed after set-up .*: run again"):
        run_example_gen(prepared, tmp_path, tmp_path)


def test_a_slice_ends_where_its_split_ends():
    sizes = {"train": 40, "test": 10}
    assert executor._within("train[:6000]", sizes) == "train[:40]"
    assert executor._within("train[10:30]+test[5:99]", sizes) == "train[10:30]+test[5:10]"
    assert executor._within("train[:50%]", sizes) == "train[:50%]"


def test_tfds_knows_the_folder_that_was_written(tmp_path):
    """Its records are read by TFDS alone, as those of any other dataset."""
    from tests.support.image_folders import write_classes

    prepared = prepare(DataSettings(folder=str(write_classes(tmp_path / "shapes", 10))), tmp_path / "data")
    builder = tfds.builder_from_directory(prepared.directory)
    assert builder.info.full_name == "folder/shapes/1.0.0"
    assert builder.info.features["label"].names == ["circle", "square", "star"]
    assert len(run_example_gen(prepared, tmp_path / "data", tmp_path)["train"]) == 15
