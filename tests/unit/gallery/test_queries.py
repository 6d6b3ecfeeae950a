import pytest

from serving.gallery.queries import MAX_IMAGES, BadQuery, PathQuery, PictureQuery

_INT64 = 2**63


def test_defaults_are_one_image_of_any_class_from_what_is_served() -> None:
    assert PictureQuery.read({}) == PictureQuery(version=None, label=-1, seed=0, count=1, scale=1)
    assert PathQuery.read({}) == PathQuery(version=None, label=-1, start=0, end=1, steps=33)


def test_every_seed_of_the_contract_can_be_asked_for() -> None:
    assert PictureQuery.read({"seed": str(-_INT64)}).seed == -_INT64
    assert PictureQuery.read({"seed": str(_INT64 - 1)}).seed == _INT64 - 1
    with pytest.raises(BadQuery, match=f"seed must be a whole number from {-_INT64} to {_INT64 - 2}"):
        PictureQuery.read({"seed": str(_INT64 - 1), "count": "2"})  # the second image has no seed


@pytest.mark.parametrize(
    "text", ["", " 1", "1_0", "1.5", "0x1", "--1", "+1", "\u0661", "1" * 5000, str(MAX_IMAGES + 1), "0", "-1"]
)
def test_what_is_no_count_is_refused_with_the_parameters_name(text: str) -> None:
    with pytest.raises(BadQuery, match=f"^count must be a whole number from 1 to {MAX_IMAGES}$"):
        PictureQuery.read({"count": text})


def test_a_file_is_named_after_class_and_seeds() -> None:
    assert PictureQuery.read({"seed": "7"}).name == "seed7"
    assert PictureQuery.read({"seed": "7", "count": "3", "label": "2"}).name == "class2-seeds7to9"
