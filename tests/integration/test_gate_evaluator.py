"""The gate's own executor, with TFX's Evaluator and TFMA inside, on built generators."""

import numpy as np
import pytest
import tensorflow as tf

from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import look, shared_eyes
from components.gate.combiners.scoring import Scorer
from components.gate.drawing.showcase_file import load_showcase
from components.gate.settings import GateSettings
from components.gate.verdict.verdict import finite
from pipeline.engines.local import keep_streams_whole
from serving.repository.errors import UserError
from tests.support.gate_builders import (
    BEAM_ARGS,
    Replay,
    digits,
    run_gate,
    save_calibration,
    save_examples,
    save_generator,
    save_judge,
    tiny_judge,
)

NAMES = [str(label) for label in range(10)]
# A tiny judge and 60 images a class are noisier than a real run, and `Replay` draws some of its 300 images a class twice.
SETTINGS = GateSettings(
    max_frechet_ratio=50.0,
    max_class_frechet_ratio=1e4,
    max_second_frechet_ratio=50.0,
    max_class_second_frechet_ratio=None,
    min_class_recall=0.4,
    min_label_agreement=0.85,
    min_class_share=0.5,
    max_frechet_increase=2.0,
    min_class_diversity=0.3,
    max_duplicate_share=0.5,
)


class Moody(Replay):
    """Throws for some of the latents that only real images' contents give."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed"), tf.TensorSpec([None], tf.int64, "label")])
    def sample(self, seed, label):
        tf.debugging.assert_less(seed, tf.constant(2**62, tf.int64), "too large")
        return {"image": self._pick(seed, label), "label": label}


@pytest.fixture(scope="module")
def cases(mnist, tmp_path_factory):
    home = tmp_path_factory.mktemp("gate")
    networks = tiny_judge(mnist.directory)
    images, labels = digits(mnist.directory, "test[:1000]")
    pool, pool_labels = digits(mnist.directory, "test[1000:4000]")
    first = np.unique(pool_labels, return_index=True)[1]
    generators = {
        "good": Replay(pool, pool_labels),
        "collapsed": Replay(pool[first], pool_labels[first]),
        "confused": Replay(pool, np.random.default_rng(0).permutation(pool_labels)),
        "classless": Replay(pool, pool_labels, conditional=False),
        "moody": Moody(pool, pool_labels),
    }
    places = {name: save_generator(home / name, module, NAMES) for name, module in generators.items()}
    places["foreign"] = save_generator(home / "foreign", generators["good"], ["shirt", "shoe"], "fashion_mnist")
    places["examples"] = save_examples(home / "examples", images[:600], labels[:600], shards=2)
    places["judge"] = save_judge(home / "judge", networks, *digits(mnist.directory, "train[:3000]"))
    train = digits(mnist.directory, "train[:3000]")
    places["calibration"] = save_calibration(home / "calibration", places["judge"], *train)

    def run(name, model, settings=SETTINGS, baseline=None, beam_args=BEAM_ARGS):
        return run_gate(
            home / "runs" / name,
            examples=places["examples"],
            judge=places["judge"],
            calibration=places["calibration"],
            model=places[model],
            baseline=places.get(baseline),
            class_names=NAMES,
            settings=settings,
            beam_args=beam_args,
        )

    run.judge, run.calibration, run.home = str(places["judge"]), str(places["calibration"]), home
    return run


def assert_alike(found, expected, **tolerance):
    """Compare figures, of which some are no number: too few images of a class, or nobody asks for them there."""
    assert {name for name, value in found.items() if value is None} == {name for name, value in expected.items() if value is None}
    numbers = {name: value for name, value in expected.items() if value is not None}
    assert {name: found[name] for name in numbers} == pytest.approx(numbers, **tolerance)


@pytest.fixture(scope="module")
def first_run(cases):
    return cases("first", "good")


def test_a_good_generator_is_blessed_and_changes_wait_for_a_baseline(first_run):
    verdict, blessed, _ = first_run
    assert blessed, verdict.reason
    assert verdict.blessed
    assert verdict.causes == []
    assert verdict.baseline_version == ""
    assert verdict.examples == 600
    assert verdict.conditional
    ignored = [check for check in verdict.checks if check.ignored]
    assert {check.metric for check in ignored} == {"frechet_ratio", "second_frechet_ratio", "recall", "label_agreement"}
    assert all(check.kind == "change" and check.passed for check in ignored)
    assert len([check for check in verdict.checks if check.metric == "frechet_ratio" and check.slice]) == 10
    assert set(verdict.per_class) == set(NAMES)
    assert verdict.judge["accuracy"] == 1.0


def test_it_says_how_many_images_it_has_looked_at(cases, caplog):
    with caplog.at_level("INFO", "forger.progress"):
        cases("counted", "good")
    told = [record.forger_progress for record in caplog.records if hasattr(record, "forger_progress")]
    told = [(progress["done"], progress["total"]) for progress in told if progress["task"] == "looking at generated images"]
    assert told == sorted(told)
    assert told[-1] == (600, 600)


def test_tfma_computes_what_score_computes(cases, first_run, mnist):
    verdict, _, _ = first_run
    images, labels = digits(mnist.directory, "test[:1000]")
    pool, pool_labels = digits(mnist.directory, "test[1000:4000]")
    generator = Replay(pool, pool_labels)
    answer = generator.sample(tf.constant(content_keys(images[:600])), tf.constant(labels[:600]))
    images, labels, keys = images[:600], labels[:600], content_keys(images[:600])
    drawn = answer["image"].numpy()
    views = [look(shared_eyes(cases.judge), some) for some in (images, drawn)]
    scorer = Scorer(cases.judge, cases.calibration, 10, closeness=0.3)
    expected = scorer.score(views[0], labels, keys, views[1], drawn, labels)
    for place, figures in expected.items():
        found = verdict.per_class[place] if place else verdict.figures
        for name, value in figures.items():
            if name.startswith("real_") or name.endswith("frechet_error"):  # told as floors, and as intervals
                continue
            if finite(value) is None:  # too few images of a class for it
                assert found[name] is None, (place, name)
                continue
            # A last bit of a feature may move one of a class's 60 images across a threshold.
            assert found[name] == pytest.approx(value, rel=1e-2, abs=4e-2 if place else 2e-3), (place, name)
    low, high = verdict.intervals["frechet_ratio"]
    assert (high - low) / 2 == pytest.approx(1.96 * expected[""]["frechet_error"], rel=1e-2)
    shares = [verdict.per_class[name]["class_share"] for name in NAMES]
    assert verdict.figures["smallest_class_share"] == pytest.approx(min(shares))
    for name in ("precision", "recall", "density", "coverage"):
        assert verdict.floor_figures[name] == pytest.approx(expected[""][f"real_{name}"], abs=2e-3)


def test_as_good_as_what_is_served_is_blessed(cases, first_run):
    verdict, blessed, blessing = cases("same", "good", baseline="good")
    assert blessed
    assert (verdict.baseline_version, verdict.baseline_digest) == ("3", "d")
    # What is served was searched for near copies when it was pushed.
    assert verdict.baseline_figures.pop("near_copy_share") is None
    assert {name: verdict.figures[name] for name in verdict.baseline_figures} == verdict.baseline_figures
    # Beam groups rows as it likes, and a convolution's last bit depends on the group.
    assert_alike(verdict.figures, first_run[0].figures, rel=1e-5)
    changes = [check for check in verdict.checks if check.kind == "change"]
    assert [check.value for check in changes] == [0.0] * 4
    assert not any(check.ignored for check in changes)
    assert blessing.has_custom_property("baseline_model_id")


@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_the_figures_do_not_depend_on_the_number_of_workers(cases, first_run, mode):
    keep_streams_whole()  # as every process of ours that runs Beam does
    verdict, blessed, _ = cases(mode, "good", beam_args=[*BEAM_ARGS, f"--direct_running_mode={mode}", "--direct_num_workers=2"])
    alone = first_run[0]
    assert blessed
    assert verdict.examples == alone.examples
    # The workers' batches differ, and with them the last bit of a convolution: hence not to the last digit.
    for found, expected in ((verdict.figures, alone.figures), (verdict.floor_figures, alone.floor_figures)):
        assert_alike(found, expected, rel=1e-5, abs=1e-6)
    assert verdict.per_class.keys() == alone.per_class.keys()
    for name, figures in alone.per_class.items():
        assert_alike(verdict.per_class[name], figures, rel=1e-4, abs=1e-5)
    assert [check.passed for check in verdict.checks] == [check.passed for check in alone.checks]


def test_mode_collapse_is_refused_by_value_and_by_change(cases):
    verdict, blessed, _ = cases("collapsed", "collapsed", baseline="good")
    assert not blessed
    assert not verdict.blessed
    assert verdict.causes[0] == "mode collapse"
    assert "worse than what is served" in verdict.causes
    failed = {(check.metric, check.kind) for check in verdict.checks if not check.passed}
    assert {("recall", "min"), ("recall", "change"), ("coverage", "min")} <= failed
    changes = {check.metric: check for check in verdict.checks if check.kind == "change"}
    recall, ratio = changes["recall"], changes["frechet_ratio"]
    assert recall.value == pytest.approx(verdict.figures["recall"] - recall.baseline)
    assert recall.limit == pytest.approx(-0.1)
    # Of three draws and of these 600 images, where the ratios shown elsewhere are those of 10,000.
    assert ratio.limit < ratio.value < verdict.figures["frechet_ratio"] - ratio.baseline
    assert ratio.limit >= 2.0 * ratio.baseline * (1 - 1e-6)  # at least the margin that was set
    low, high = verdict.change_intervals["frechet_ratio"]
    assert low < ratio.value < high


def test_label_confusion_is_refused(cases):
    verdict, blessed, _ = cases("confused", "confused")
    assert not blessed
    assert "label confusion" in verdict.causes
    assert "mode collapse" not in verdict.causes


def test_a_generator_without_classes_is_gated_overall_only(cases):
    verdict, blessed, _ = cases("classless", "classless")
    assert blessed, verdict.reason
    assert verdict.conditional is False
    assert all(check.slice == "" for check in verdict.checks)
    assert "label_agreement" not in {check.metric for check in verdict.checks}
    assert "smallest_class_share" in {check.metric for check in verdict.checks}
    assert all(set(of_class) == {"class_share"} for of_class in verdict.per_class.values())


def test_a_generator_without_classes_is_no_next_version_of_one_with_classes(cases):
    """Clients that ask for a class would get any."""
    verdict, blessed, _ = cases("lost classes", "classless", baseline="good")
    assert not blessed
    assert verdict.causes[0] == "no classes"
    assert verdict.reason.startswith("no classes: what is served draws the class that it is asked for")
    forced = SETTINGS.model_copy(update={"force_baseline": True})
    assert cases("dropped classes", "classless", forced, baseline="good")[1]


def test_a_generator_with_classes_may_replace_one_without(cases):
    verdict, blessed, _ = cases("new classes", "good", baseline="classless")
    assert blessed, verdict.reason
    assert {check.metric for check in verdict.checks if check.kind == "change"} == {
        *("frechet_ratio", "second_frechet_ratio", "recall"),
    }


def test_a_generator_that_fails_on_the_way_is_refused_with_that_reason(cases):
    verdict, blessed, _ = cases("moody", "moody")
    assert not blessed
    assert verdict.causes == ["faulty generator"]
    assert "its signature 'sample' fails" in verdict.reason
    assert verdict.figures["faulty_draws"] > 0
    assert verdict.figures["frechet_ratio"] is None


def test_without_thresholds_nothing_is_blessed(cases):
    limits = [name for name in GateSettings.model_fields if name.startswith(("max_", "min_")) and name != "max_examples"]
    verdict, blessed, _ = cases("open", "good", GateSettings(**dict.fromkeys(limits), max_examples=200))
    assert not blessed
    assert verdict.checks == []
    assert "no threshold" in verdict.reason
    # About 200 of the 600, chosen by content.
    assert 140 < verdict.examples < 260


def test_what_is_served_has_other_classes(cases):
    with pytest.raises(UserError, match="fashion_mnist"):
        cases("foreign", "good", baseline="foreign")


def test_a_forced_baseline_leaves_the_comparison_out_and_says_so(cases):
    verdict, blessed, _ = cases("forced", "good", SETTINGS.model_copy(update={"force_baseline": True}), baseline="good")
    assert blessed
    assert verdict.forced_baseline
    assert verdict.baseline_version == ""
    assert (verdict.served_version, verdict.served_digest) == ("3", "d")  # so that an unchanged rerun chooses the same
    assert all(check.ignored for check in verdict.checks if check.kind == "change")
    assert set(load_showcase(cases.home / "runs" / "forced" / "evaluation")) >= {"candidate", "baseline"}
