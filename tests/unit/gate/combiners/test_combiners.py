"""The CombineFns: the same figures as from whole arrays, however rows are grouped and ordered."""

import numpy as np
import pytest

from components.gate.combiners.changes import ChangeCombiner
from components.gate.combiners.quality import FLOOR_IMAGES, QualityCombiner
from components.gate.combiners.rows import View, look, rows_of, shared_eyes, shared_train_reference, taken
from components.gate.combiners.sample import SampleCombiner
from components.gate.combiners.shared_traits import TRAIT_FIGURES, SharedTraitsCombiner
from components.gate.figures.classes import ClassSums, class_shares, diversity_ratio
from components.gate.figures.comparison import compare
from components.gate.figures.frechet import Moments, by_part, chance_of, frechet_between
from components.gate.figures.kid import kernel_distance
from components.gate.figures.leak import leaked_share
from components.gate.figures.marginals import Marginals, contrast, largest_mean_shift, log_powers, pixel_values
from components.gate.figures.memorisation import copying
from components.gate.figures.neighbours import neighbour_metrics
from components.gate.figures.outliers import outlier_share
from tests.support.gate_builders import digits, save_calibration, save_judge, tiny_judge

CLASSES, SIZE, SECOND_SIZE, COUNT = 10, 16, 8, 600


@pytest.fixture(scope="module")
def judge(mnist, tmp_path_factory):
    networks = tiny_judge(mnist.directory)
    return str(save_judge(tmp_path_factory.mktemp("judge"), networks, *digits(mnist.directory, "train[:3000]")))


@pytest.fixture(scope="module")
def calibration(mnist, judge, tmp_path_factory):
    place = tmp_path_factory.mktemp("calibration") / "1"
    return str(save_calibration(place, judge, *digits(mnist.directory, "train[:3000]")))


@pytest.fixture(scope="module")
def views(mnist, judge):
    """Views of 600 real images and of as many slightly moved ones, with labels, keys, and the moved ones themselves."""
    images, labels = digits(mnist.directory, "test[:1000]")
    images, labels = images[:COUNT], labels[:COUNT]
    keys = np.random.default_rng(5).permutation(COUNT)
    moved = np.roll(images, 1, axis=1)
    return look(shared_eyes(judge), images), labels, keys, look(shared_eyes(judge), moved), moved


def rows(views, answered=None, fault=0):
    real, labels, keys, generated, images = views
    return list(rows_of(real, labels, keys, generated, images, labels if answered is None else answered, fault))


def combine(combiner, rows, bundles):
    accumulators = []
    for bundle in bundles:
        accumulator = combiner.create_accumulator()
        for index in bundle:
            accumulator = combiner.add_input(accumulator, rows[index])
        accumulators.append(combiner.compact(accumulator))
    return combiner.extract_output(combiner.merge_accumulators(accumulators))


def groupings(count):
    everything = np.arange(count)
    yield [everything]
    yield np.array_split(everything[::-1], 7)
    yield [*np.array_split(np.random.default_rng(3).permutation(count), 100), []]


def test_sums_give_the_figures_of_whole_arrays_whatever_the_bundles(calibration, views):
    real, labels, _, generated, _ = views
    counts = np.bincount(labels)
    distance = frechet_between(Moments.of(generated.features), Moments.of(real.features))
    second = frechet_between(Moments.of(generated.second), Moments.of(real.second))
    shares = class_shares(counts, np.bincount(generated.predicted, minlength=CLASSES))
    sums = [ClassSums.of(view.features, labels, CLASSES) for view in (generated, real)]
    expected = {
        "examples": COUNT,
        "frechet_distance": distance,
        "second_frechet_distance": second,
        "label_agreement": (generated.predicted == labels).mean(),
        "smallest_class_share": shares.min(),
        "class_share": shares.tolist(),
        "diversity": diversity_ratio(*sums),
    }
    ratios = []
    for bundles in groupings(COUNT):
        found = combine(QualityCombiner(calibration, CLASSES, SIZE, SECOND_SIZE), rows(views), bundles)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name
        ratios.append([found[name] for name in ("frechet_ratio", "train_frechet_ratio", "second_frechet_ratio", "split_gap")])
    assert np.isfinite(ratios).all()
    np.testing.assert_allclose(ratios, [ratios[0]] * 3, rtol=1e-6)


def test_samples_give_the_figures_of_whole_arrays_whatever_the_bundles(judge, calibration, views):
    real, _, keys, generated, _ = views
    order = np.argsort(keys)
    real, generated = taken(real, order), taken(generated, order)
    expected = {
        **neighbour_metrics(real.features, generated.features, 3, 5),
        **dict(zip(("kid", "kid_error"), kernel_distance(real.features, generated.features), strict=True)),
        **copying(real.nearest, generated.nearest),
        "outlier_share": outlier_share(
            np.stack([real.nearest, real.residual]), np.stack([generated.nearest, generated.residual])
        ),
        "near_copy_share": (generated.closeness <= 0.4).mean(),
        "leaked_share": leaked_share(generated.code, real.code, shared_train_reference(calibration).codes),
    }
    combiner = SampleCombiner(judge, calibration, CLASSES, 10_000, 3, 5, closeness=0.4)
    found = [combine(combiner, rows(views), bundles) for bundles in groupings(COUNT)]
    assert found[0] == found[1] == found[2]
    for name, value in expected.items():
        assert found[0][name] == pytest.approx(value, rel=1e-6), name
    assert found[0]["real_recall"] > 0.5


@pytest.mark.parametrize("limit", [150, 400])
def test_a_bounded_sample_is_the_smallest_keys(judge, calibration, views, limit):
    real, _, keys, generated, _ = views
    found = [
        combine(SampleCombiner(judge, calibration, CLASSES, limit, 3, 5, closeness=0.4), rows(views), bundles)
        for bundles in groupings(COUNT)
    ]
    assert found[0] == found[1] == found[2]
    kept = np.argsort(keys)[:limit]
    assert found[0]["recall"] == neighbour_metrics(real.features[kept], generated.features[kept], 3, 5)["recall"]


def test_memory_is_bounded(judge, calibration, views):
    combiner = SampleCombiner(judge, calibration, CLASSES, 50, 3, 5)
    sample = combiner.create_accumulator()
    for repetition in range(5):
        for row in rows(views):
            sample = combiner.add_input(sample, row._replace(key=row.key + repetition * COUNT))
            assert sample.size <= 50
            assert len(sample.pending) < 1024


def test_a_share_by_key_bounds_all_accumulators_together(judge, calibration, views):
    """Beam hands out accumulators as it likes: each alone being bounded would let memory grow with their number."""
    keyed = [row._replace(key=row.key * (2**63 // COUNT)) for row in rows(views)]  # evenly over all that keys can be
    combiner = SampleCombiner(judge, calibration, CLASSES, 150, 3, 5, closeness=0.4, share=150 / COUNT)
    samples = [combiner.create_accumulator() for _ in range(8)]
    for place, row in enumerate(keyed):
        samples[place % 8] = combiner.add_input(samples[place % 8], row)
    samples = [combiner.compact(sample) for sample in samples]
    assert sum(sample.size for sample in samples) == 150
    figures = combiner.extract_output(combiner.merge_accumulators(samples))
    assert figures == combine(SampleCombiner(judge, calibration, CLASSES, 150, 3, 5, closeness=0.4), keyed, [range(COUNT)])


def side_by_side(candidate, baseline, draws=2):
    """A pair as the metrics see it, [N, 2, draws, D]: each further draw is the first one, moved by a row."""

    def drawn(features):
        return np.stack([np.roll(features, draw, axis=0) for draw in range(draws)], axis=1)

    columns = (np.stack([drawn(side[place]) for side in (candidate, baseline)], axis=1) for place in (0, 1))
    return View(*columns, *candidate[2:])


def test_a_pair_is_compared(calibration, views):
    real, labels, keys, generated, images = views
    worse = generated._replace(features=generated.features * 1.5, second=generated.second * 1.5)
    pair = side_by_side(worse, generated)
    compared = rows((real, labels, keys, pair, images))
    combiner = ChangeCombiner(calibration, CLASSES, SIZE, SECOND_SIZE, 0.1)
    change, *others = [combine(combiner, compared, bundles) for bundles in groupings(COUNT)]
    for other in others:
        assert other == pytest.approx(change, rel=1e-6)
    halves = shared_train_reference(calibration).halves(np.bincount(labels, minlength=CLASSES))
    sides = [by_part(side, keys) for side in (real.features, *pair.features.swapaxes(0, 1))]
    increase, error = compare(*sides, chance=2 * chance_of(*halves) / FLOOR_IMAGES)
    assert change["frechet_increase"] == pytest.approx(increase)
    assert change["frechet_setback"] == pytest.approx(increase - max(0.1, 1.645 * error))
    assert change["second_frechet_setback"] > 0


def test_a_generator_is_no_setback_to_itself(calibration, views):
    real, labels, keys, generated, images = views
    pair = side_by_side(generated, generated)
    compared = rows((real, labels, keys, pair, images))
    combiner = ChangeCombiner(calibration, CLASSES, SIZE, SECOND_SIZE, 0.1)
    change = combine(combiner, compared, [range(COUNT)])
    assert change["frechet_increase"] == pytest.approx(0, abs=1e-9)
    assert change["frechet_setback"] == pytest.approx(-0.1)
    of_one = [row for row in compared if row.label == 3]
    assert np.isnan(list(combine(combiner, of_one, [range(len(of_one))]).values())).all()


def test_what_all_images_share_is_that_of_whole_arrays_whatever_the_bundles(calibration, views):
    _, labels, _, _, images = views
    reference, counts = shared_train_reference(calibration), np.bincount(labels, minlength=CLASSES)
    pixels, powers = reference.pixels(counts), reference.powers(counts)
    found = [combine(SharedTraitsCombiner(calibration), rows(views), bundles) for bundles in groupings(COUNT)]
    for one in found:
        assert one == pytest.approx(found[0], rel=1e-6)
        assert set(one) == set(TRAIT_FIGURES)
    ours = Marginals.of(pixel_values(images)), Marginals.of(log_powers(images))
    assert found[0]["pixel_shift"] == pytest.approx(largest_mean_shift(ours[0], pixels, contrast(pixels)), rel=1e-6)
    assert found[0]["spectrum_shift"] == pytest.approx(largest_mean_shift(ours[1], powers, 1e-3), rel=1e-6)


def test_floors_and_leakage_are_told_of_all_classes_together_alone(judge, calibration, views):
    of_one = [row._replace(label=0) for row in rows(views) if row.label == 3]
    found = combine(SampleCombiner(judge, calibration, CLASSES, COUNT, 3, 5), of_one, [range(len(of_one))])
    assert np.isnan([found["leaked_share"], found["real_recall"]]).all()
    assert combine(SampleCombiner(judge, calibration, 1, COUNT, 3, 5), of_one, [range(len(of_one))])["leaked_share"] > 0


def test_a_generator_without_classes_has_no_label_agreement(judge, calibration, views):
    found = combine(QualityCombiner(calibration, CLASSES, SIZE, SECOND_SIZE), rows(views, np.full(COUNT, -1)), [range(COUNT)])
    assert np.isnan(found["label_agreement"])
    assert found["smallest_class_share"] > 0.03
    assert found["diversity"] > 0.3


def test_one_fault_spoils_every_figure(judge, calibration, views):
    some = rows(views)
    nothing = dict.fromkeys(("generated_nearest", "generated_residual", "closeness"), np.nan)
    nothing |= {"generated": np.full(SIZE, np.nan), "generated_second": np.full(SECOND_SIZE, np.nan)}
    nothing |= {"generated_code": np.full_like(some[17].generated_code, np.nan)}
    some[17] = some[17]._replace(fault=3, **nothing)
    found = combine(QualityCombiner(calibration, CLASSES, SIZE, SECOND_SIZE), some, np.array_split(np.arange(COUNT), 5))
    assert (found.pop("faulty_draws"), found.pop("fault"), found.pop("examples")) == (1, 3, COUNT)
    known = {f"{judge}{name}" for judge in ("", "second_") for name in ("frechet_floor", "split_gap")}  # of real images alone
    assert [name for name, value in found.items() if name not in known and not np.isnan(value).all()] == []
    found = combine(SampleCombiner(judge, calibration, CLASSES, COUNT, 3, 5), some, [range(COUNT)])
    assert [name for name, value in found.items() if not name.startswith("real_") and not np.isnan(value)] == []
    found = combine(SharedTraitsCombiner(calibration), some, [range(COUNT)])
    assert all(np.isnan(value) for value in found.values())


def test_nothing_gives_no_number(judge, calibration):
    found = combine(QualityCombiner(calibration, CLASSES, SIZE, SECOND_SIZE), [], [[]])
    assert found["examples"] == 0
    assert np.isnan(found["frechet_ratio"])
    assert np.isnan(found["smallest_class_share"])
    assert all(np.isnan(value) for value in combine(SampleCombiner(judge, calibration, CLASSES, 100, 3, 5), [], [[]]).values())
