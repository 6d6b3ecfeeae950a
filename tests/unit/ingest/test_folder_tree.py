"""What the layout of a folder means, and which layouts are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.ingest.folder_tree import MOST_CLASSES, read_tree
from serving.repository.errors import UserError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(folder: Path) -> list[tuple]:
    return [(one.path, one.split, one.label) for one in read_tree(folder).candidates]


def test_folders_name_classes_at_any_depth(tmp_path):
    touch(tmp_path, "cat/a.png", "cat/2024/may/b.JPG", "red dog/c.webp", "猫/d.gif", "cat/notes.txt")
    tree = read_tree(tmp_path)
    assert tree.class_names == ("cat", "red dog", "猫")
    assert found(tmp_path)[0] == ("cat/2024/may/b.JPG", None, "cat")
    assert tree.others == 1


def test_top_folders_may_name_splits(tmp_path):
    touch(tmp_path, "train/cat/a.png", "train/dog/b.png", "val/cat/c.png", "Test/dog/d.png")
    assert [(split, label) for _, split, label in found(tmp_path)] == [
        ("test", "dog"),
        ("train", "cat"),
        ("train", "dog"),
        ("validation", "cat"),
    ]


def test_splits_may_have_no_classes(tmp_path):
    assert found(touch(tmp_path, "train/a.png", "test/b.png")) == [("test/b.png", "test", None), ("train/a.png", "train", None)]


def test_without_train_they_are_classes(tmp_path):
    assert read_tree(touch(tmp_path / "one", "test/a.png", "dev/b.png")).class_names == ("dev", "test")
    assert read_tree(touch(tmp_path / "two", "trees/a.png", "train/b.png")).class_names == ("train", "trees")


@pytest.mark.parametrize("names", [("a.png", "b.png"), ("only/a.png", "only/deep/b.png")])
def test_no_folders_or_one_are_unlabelled(tmp_path, names):
    tree = read_tree(touch(tmp_path, *names))
    assert tree.class_names == ()
    assert {one.label for one in tree.candidates} == {None}


def test_hidden_names_are_left_out(tmp_path):
    touch(tmp_path, "a.png", "._a.png", ".thumbnails/a.png", ".DS_Store")
    assert [one[0] for one in found(tmp_path)] == ["a.png"]


def test_a_path_may_have_brackets_and_spaces(tmp_path):
    folder = touch(tmp_path / "my [best] *pictures*?", "cat [1]/a.png", "dog {2}/b.png")
    assert read_tree(folder).class_names == ("cat [1]", "dog {2}")


def test_links_are_followed(tmp_path):
    touch(tmp_path / "elsewhere", "a.png")
    folder = touch(tmp_path / "pictures", "dog/b.png")
    (folder / "cat").symlink_to(tmp_path / "elsewhere")
    (folder / "cat2").symlink_to(tmp_path / "elsewhere")
    assert [one[0] for one in found(folder)] == ["cat/a.png", "cat2/a.png", "dog/b.png"]


def test_links_in_a_circle_are_refused(tmp_path):
    touch(tmp_path, "cat/deep/a.png")
    (tmp_path / "cat/deep/loop").symlink_to(tmp_path / "cat")
    with pytest.raises(UserError, match=r"the link .*/cat/deep/loop leads back to a folder above it: remove it"):
        read_tree(tmp_path)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ((), "holds no images: forger reads .bmp, "),
        (("a.txt", "b.tiff"), r"holds no images \(2 files of other kinds\)"),
        (("a.png", "cat/b.png"), r"has images beside its folders of classes \(e.g. a.png\)"),
        (("train/a.png", "train/cat/b.png"), r"has images beside its folders of classes \(e.g. train/a.png\)"),
        (("Cat/a.png", "cat/b.png"), "the folders 'Cat' and 'cat' in .* are the same on systems that ignore case: rename one"),
        (("cafe\u0301/a.png", "caf\u00e9/b.png"), "are the same on systems that ignore case"),
        (("train/cat/a.png", "Train/cat/b.png"), r"has the same split twice \(Train, train\)"),
        (("valid/cat/a.png", "val/cat/b.png", "train/cat/c.png"), r"has the same split twice \(train, val, valid\)"),
        (("train/a.png", "test/b.png", "vall/c.png"), r"has the splits test, train, and beside them vall: rename it to a split"),
        (("train/cat/a.png", "Dev/cat/b.png", "b/c.png", "a/c.png"), r"has the splits Dev, train, and beside them a, b: rename"),
        (("a\nb/a.png", "c/b.png"), r"unprintable characters \('a\\nb'\): rename it"),
    ],
)
def test_ambiguous_layouts_are_one_line(tmp_path, names, line):
    with pytest.raises(UserError, match=line) as refused:
        read_tree(touch(tmp_path, *names))
    assert "\n" not in str(refused.value)


def test_names_that_are_no_text_are_refused(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")
    open(os.fsencode(tmp_path) + b"/caf\xe9/a.png", "w").close()
    touch(tmp_path, "cat/a.png")
    with pytest.raises(UserError, match="unprintable characters"):
        read_tree(tmp_path)


def test_no_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="doesn't exist: name a folder"):
        read_tree(tmp_path / "none")
    (tmp_path / "pictures.zip").touch()
    with pytest.raises(UserError, match="is a file: unpack it"):
        read_tree(tmp_path / "pictures.zip")


def test_too_many_classes_are_counted(tmp_path):
    for number in range(MOST_CLASSES + 1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.png").touch()
    with pytest.raises(UserError, match=r"has 5,001 folders, which are more classes than 5,000: join some"):
        read_tree(tmp_path)


def test_what_rights_hide_is_named(tmp_path):
    """As another user, since root may read everything."""
    folder = touch(tmp_path / "pictures", "cat/a.png", "secret/b.png")
    (folder / "secret").chmod(0)
    code = f"""
import os
from pathlib import Path
from components.ingest.folder_tree import read_tree
from serving.repository.errors import UserError
if os.getuid() == 0:
    os.setuid(65534)
try:
    read_tree(Path({str(folder)!r}))
except UserError as error:
    print(error)
"""
    for parent in (folder, *folder.parents[:4]):
        if parent != Path("/tmp"):
            parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert "/pictures/secret (Permission denied): mend its rights" in done.stdout, done.stderr
