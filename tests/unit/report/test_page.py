"""What the report says of a run."""

from __future__ import annotations

from pathlib import Path

from components.gan.training.outcome import Outcome
from tests.support.past_home import make_showcase, write_journal
from tests.unit.report.page_reader import page_of


def test_a_full_report_has_every_part(past):
    past.add(version=1)
    more = {"second_judge": {"digest": "f" * 64, "agreed": True}, "baseline_per_class": {"0": {"recall": 0.4}}}
    past.add(version=2, showcase=make_showcase(), baseline_version="1", baseline_digest="e" * 64, **more)
    page = page_of(past)
    assert "not recorded" not in page.text
    assert "Blessed and pushed: version 2" in page.text
    shown = [image["alt"] for image in page.all("img")]
    for words, times in {
        "served version's images of class": 3,
        "real images of class 2": 1,
        "grid of generated images after step 100": 1,
        "grid of generated images after step 800": 1,
        "real test image beside its nearest train image": 12,
        "generated image of class 1 beside its nearest train image": 4,
        "generated image of class 0, seen as": 14,
    }.items():
        assert sum(words in alt for alt in shown) == times, words
    plots = [drawing["aria-label"] for drawing in page.all("svg") if drawing.get("class") == "chart"]
    assert any(label.startswith("Loss over 8 points up to step 800") for label in plots)
    assert any("accuracy" in label for label in plots)
    assert any("versions v1 to v2" in label for label in plots)
    assert any("3 classes" in label for label in plots)
    for told in (
        "a" * 64,
        "b" * 64,
        "c" * 64,
        "d" * 64,
        "e" * 64,
        "f" * 64,
        "agrees",
        "gan.seed",
        "(profile: 1)",
        "99.31%",
        "GanTrainer",
        "300.0",
    ):
        assert told in page.text, told


def test_a_training_that_collapsed_shows_where_its_best_was(past):
    record = past.add(version=1)
    assert "It exported" not in page_of(past).text
    write_journal(Path(record.training), Outcome(600, 800, 800, "whole", 0.2, 2.5))
    page = page_of(past)
    assert (
        "It exported the best average, of step 600 of 800, at distance 0.2 from the train images (2.5 at the end)." in page.text
    )
    plots = [drawing["aria-label"] for drawing in page.all("svg") if drawing.get("class") == "chart"]
    assert "Distance from the train images over training, at the end 2.5; exported is that of step 600, 0.2" in plots


def test_a_first_push_has_no_empty_column_for_a_served_version(past):
    shown = make_showcase()
    runs = (
        past.add(version=1, showcase={name: rows for name, rows in shown.items() if name != "baseline"}),
        past.add(version=2, showcase=shown, baseline_version="1"),
    )
    first, second = (page_of(past, run.run_id) for run in runs)
    columns = [[cell["data-of"] for cell in page.all("td") if "data-of" in cell] for page in (first, second)]
    assert columns == [["this generator", "real images"] * 3, ["this generator", "served version", "real images"] * 3]
    assert "same latents, column by column" in second.text
    assert "same latents, column by column" not in first.text


def test_a_version_pushed_before_is_told_apart(past):
    past.add(version=1)
    past.add(version=1)
    assert "Blessed, as before: version 1" in page_of(past).text


def test_versions_of_another_dataset_are_left_out(past):
    past.add(version=1, model="fashion_mnist_gan")
    past.add(version=1)
    past.add(version=2, model="fashion_mnist_gan")
    page = page_of(past, "20260101-000002")
    assert "20260101-000002-000000" in page.text
    assert "20260101-000001-000000" not in page.text
    assert not [drawing for drawing in page.all("svg") if "versions" in drawing.get("aria-label", "")]


def test_a_refused_candidate_stands_beside_the_versions(past):
    past.add(version=1)
    past.add("blocked")
    labels = [drawing.get("aria-label", "") for drawing in page_of(past).all("svg")]
    assert any("version v1 and of this run's candidate" in label for label in labels)


def test_a_generator_without_classes_has_one_row(past):
    past.add(version=1, showcase={name: array[:1] for name, array in make_showcase().items()})
    assert "generated images of any class" in [image["alt"] for image in page_of(past).all("img")]
