"""A folder of images, from files to TFDS's records: what is in them, when they are made again, and what is refused."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from components.ingest import folder_builder
from components.ingest.folder_survey import read
from components.ingest.prepare import prepare
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.ingest.summary import changes, describe
from components.shape import ImageShape
from serving.repository.errors import UserError
from tests.support.image_folders import SHAPES, drawn, write, write_classes, write_flat


def prepared_from(folder: Path, tmp_path: Path, **settings) -> PreparedDataset:
    return prepare(DataSettings(folder=str(folder), **settings), tmp_path / "data")


def rows(prepared: PreparedDataset, split: str) -> list[dict]:
    builder = tfds.builder_from_directory(prepared.directory)
    return list(builder.as_dataset(split=split).as_numpy_iterator())


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_classes_splits_and_pixels(tmp_path):
    prepared = prepared_from(write_classes(tmp_path / "shapes", 20), tmp_path)
    assert (prepared.dataset, prepared.class_names, prepared.splits) == ("folder/shapes", SHAPES, {"test": 30, "train": 30})
    assert prepared.shapes == {ImageShape(32, 32, 3): 60}
    assert prepared.directory == tmp_path / "data" / "folder" / "shapes" / "1.0.0"
    wanted = {
        np.asarray(Image.open(path)).tobytes(): SHAPES.index(path.parent.name) for path in (tmp_path / "shapes").rglob("*.png")
    }
    found = {row["image"].tobytes(): row["label"] for split in ("train", "test") for row in rows(prepared, split)}
    assert found == wanted


def test_touched_or_renamed_files_change_nothing_and_one_byte_does(tmp_path):
    folder = write_classes(tmp_path / "shapes", 20)
    first = prepared_from(folder, tmp_path)
    record_file = next(first.directory.glob("*.tfrecord*"))
    written = record_file.stat().st_mtime_ns
    for path in folder.rglob("*.png"):
        os.utime(path, (0, 0))
    (folder / "circle/000.png").rename(folder / "circle/first.png")
    assert prepared_from(folder, tmp_path) == first
    assert record_file.stat().st_mtime_ns == written  # not even written again
    before = (folder / "star/001.png").stat()
    content = bytearray((folder / "star/001.png").read_bytes())
    write(folder / "star/001.png", drawn(77, "star"))
    assert bytes(content) != (folder / "star/001.png").read_bytes()
    os.utime(folder / "star/001.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert prepared_from(folder, tmp_path).digest != first.digest


def test_a_moved_class_changes_the_digest(tmp_path):
    folder = write_classes(tmp_path / "shapes", 20)
    first = prepared_from(folder, tmp_path)
    (folder / "star/001.png").rename(folder / "circle/star.png")
    assert prepared_from(folder, tmp_path).digest != first.digest


def test_a_moved_folder_is_the_same(tmp_path):
    first = prepared_from(write_flat(tmp_path / "here" / "pictures", 30), tmp_path)
    (tmp_path / "here").rename(tmp_path / "there")
    assert prepared_from(tmp_path / "there" / "pictures", tmp_path).digest == first.digest


def test_two_folders_of_one_name_are_kept_apart(tmp_path):
    first = prepared_from(write_flat(tmp_path / "a" / "pictures", 30), tmp_path)
    other = write_classes(tmp_path / "b" / "pictures", 20)
    with pytest.raises(UserError, match=r"folder/pictures is already .*/a/pictures: give .* --set data.dataset=folder/NAME"):
        prepared_from(other, tmp_path)
    assert prepared_from(other, tmp_path, dataset="folder/second").splits == {"test": 30, "train": 30}
    assert prepared_from(tmp_path / "a" / "pictures", tmp_path) == first


def test_unlabelled_images_have_no_labels(tmp_path):
    prepared = prepared_from(write_flat(tmp_path / "pictures", 30), tmp_path)
    assert not prepared.labelled
    assert prepared.class_names == ()
    assert set(rows(prepared, "train")[0]) == {"image"}
    assert "unlabelled" in describe(prepared, DataSettings())


def test_named_splits_are_kept(tmp_path):
    write_classes(tmp_path / "shapes" / "train", 10)
    write_classes(tmp_path / "shapes" / "validation", 3)
    assert prepared_from(tmp_path / "shapes", tmp_path).splits == {"test": 9, "train": 30}


def test_copies_are_on_one_side(tmp_path):
    folder = write_classes(tmp_path / "shapes", 30)
    for number in range(30):
        for copy in range(3):
            shutil.copy(folder / f"circle/{number:03d}.png", folder / f"circle/copy {copy} of {number}.png")
    prepared = prepared_from(folder, tmp_path)
    sides = [{row["image"].tobytes() for row in rows(prepared, split)} for split in ("train", "test")]
    assert not sides[0] & sides[1]
    assert sum(prepared.splits.values()) == 180


def test_every_kind_of_file_is_counted_in_one_line(tmp_path):
    folder = write_flat(tmp_path / "pictures", 100)
    write(folder / "wide.png", drawn(200, size=(64, 32)))
    write(folder / "big.jpg", drawn(201, size=(64, 64)))
    write(folder / "grey.gif", drawn(202, mode="L"))
    alpha = drawn(203)
    alpha.putalpha(drawn(204, mode="L"))
    write(folder / "alpha.webp", alpha)
    (folder / "text.png").write_text("not an image")
    prepared = prepared_from(folder, tmp_path)
    assert changes(prepared, ImageShape(32, 32, 3)) == {
        "scaled": 1,
        "cropped to their middle square": 1,
        "converted to colour": 1,
        "flattened from alpha": 1,
        "left out as unreadable": 1,
    }
    line = describe(prepared, DataSettings())
    assert line.startswith("folder/pictures, 94 train, 10 test images, unlabelled, 32x32x3: 1 scaled, 1 cropped")
    assert "\n" not in line


def test_too_many_unreadable_files_stop_with_examples(tmp_path):
    folder = write_flat(tmp_path / "pictures", 30)
    (folder / "text.png").write_text("not an image")
    (folder / "empty.png").touch()
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.png")
    line = (
        r"4 of the 34 images in .* can't be read \(empty.png: empty, gone.png: a link to nothing, pipe.png: not a plain file\), "
        r"more than data.max_unreadable=0.01 lets pass"
    )
    with pytest.raises(UserError, match=line):
        prepared_from(folder, tmp_path)
    assert not (tmp_path / "data").exists()
    assert prepared_from(folder, tmp_path, max_unreadable=0.2).unreadable == 4


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "has 1 different image, at least 20 are needed"),
        (19, "has 19 different images, at least 20"),
    ],
)
def test_too_few_images(tmp_path, count, line):
    with pytest.raises(UserError, match=line):
        prepared_from(write_flat(tmp_path / "pictures", count), tmp_path)


def test_copies_of_one_image_are_one_image(tmp_path):
    folder = write_flat(tmp_path / "pictures", 1)
    for number in range(50):
        shutil.copy(folder / "000.png", folder / f"copy {number}.png")
    with pytest.raises(UserError, match="has 1 different image"):
        prepared_from(folder, tmp_path)


def test_one_image_a_class(tmp_path):
    folder = write_classes(tmp_path / "shapes", 1, tuple(f"class {number}" for number in range(40)))
    with pytest.raises(
        UserError, match=r"40 of the 40 classes in .* less than 2 different images \(class 0, class 1, class 10, "
    ):
        prepared_from(folder, tmp_path)


def test_images_of_one_colour(tmp_path):
    for number in range(40):
        write(tmp_path / "plain" / f"{number}.png", Image.new("RGB", (32, 32), (number, 9, 9)))
    with pytest.raises(UserError, match=r"every image in .*plain is of one colour, so there is nothing to learn"):
        prepared_from(tmp_path / "plain", tmp_path)


def test_images_below_16_pixels(tmp_path):
    prepared = prepared_from(write_flat(tmp_path / "icons", 30, size=(12, 12)), tmp_path)
    with pytest.raises(UserError, match=r"most images are only 12 pixels high or wide"):
        describe(prepared, DataSettings())


def test_two_thousand_classes(tmp_path):
    names = tuple(f"class {number:04d}" for number in range(2000))
    prepared = prepared_from(write_classes(tmp_path / "many", 2, names, ".bmp"), tmp_path)
    assert len(prepared.class_names) == 2000
    assert sum(prepared.splits.values()) == 4000


def test_a_folder_that_changes_while_it_is_read(tmp_path, monkeypatch):
    folder = write_flat(tmp_path / "pictures", 30)

    def written_to(place: Path, candidate):
        write(place / "007.png", drawn(999))
        return read(place, candidate)

    monkeypatch.setattr(folder_builder, "read", written_to)
    with pytest.raises(
        UserError, match=r"pictures/007.png changed while the folder was read: run again when nothing writes there"
    ):
        prepared_from(folder, tmp_path)
    monkeypatch.undo()
    assert not [path for path in everything(tmp_path / "data") if "tfrecord" in path or "json" in path]
    assert prepared_from(folder, tmp_path).splits == {"test": 10, "train": 20}


def test_a_file_that_goes_while_it_is_read(tmp_path, monkeypatch):
    folder = write_flat(tmp_path / "pictures", 30)

    def removed(place: Path, candidate):
        (place / "007.png").unlink(missing_ok=True)
        return read(place, candidate)

    monkeypatch.setattr("components.ingest.folder_survey.read", removed)
    with pytest.raises(UserError, match=r"pictures/007.png changed while the folder was read"):
        prepared_from(folder, tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_bad_folder_leaves_what_was_prepared(tmp_path):
    folder = write_flat(tmp_path / "pictures", 30)
    first = prepared_from(folder, tmp_path)
    good = (folder / "000.png").read_bytes()
    (folder / "000.png").write_bytes(b"")
    with pytest.raises(UserError, match="1 of the 30 images"):
        prepared_from(folder, tmp_path)
    (folder / "000.png").write_bytes(good)
    assert prepared_from(folder, tmp_path) == first


@pytest.mark.parametrize("name", ["two words", "[brackets]", "猫の写真", "Ünïcode", ".hidden", "UPPER.case"])
def test_any_name_of_a_folder(tmp_path, name):
    prepared = prepared_from(write_flat(tmp_path / name, 30), tmp_path)
    assert rows(prepared, "test")


def test_what_a_killed_preparation_left_is_made_again(tmp_path):
    folder = write_flat(tmp_path / "pictures", 30)
    first = prepared_from(folder, tmp_path)
    # Killed after TFDS renamed its directory, before the record; and killed inside TFDS.
    (tmp_path / "data" / "folder_pictures.json").unlink()
    next(first.directory.glob("*train*")).write_bytes(b"cut")
    (first.directory.parent / "incomplete.ABCDEF_1.0.0").mkdir()
    assert prepared_from(folder, tmp_path) == first
    assert [path.name for path in first.directory.parent.iterdir()] == ["1.0.0"]


def test_a_full_disk_is_named_and_leaves_nothing_for_whole(tmp_path):
    folder = write_flat(tmp_path / "pictures", 60)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(UserError, match="can't write the data under"):
            prepared_from(folder, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "data" / "folder_pictures.json").exists()
    assert prepared_from(folder, tmp_path).splits == {"test": 10, "train": 50}


def test_names_that_are_no_text(tmp_path):
    folder = write_flat(tmp_path / "pictures", 30)
    os.rename(folder / "000.png", os.fsencode(folder) + b"/caf\xe9.png")
    open(os.fsencode(folder) + b"/na\xefve.png", "w").close()
    assert prepared_from(folder, tmp_path, max_unreadable=0.1).splits == {"test": 10, "train": 20}
