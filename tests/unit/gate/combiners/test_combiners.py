"""The CombineFns: the same figures as from whole arrays, however rows are grouped and ordered."""

import numpy as np
import pytest

from components.gate.combiners.changes import ChangeCombiner
from components.gate.combiners.quality import QualityCombiner
from components.gate.combiners.rows import View, look, rows_of, taken
from components.gate.combiners.sample import SampleCombiner
from components.gate.figures.bootstrap import bootstrap_distances, compare
from components.gate.figures.classes import ClassSums, class_shares, diversity_ratio
from components.gate.figures.frechet import Moments, frechet_between, frechet_floor
from components.gate.figures.kid import kernel_distance
from components.gate.figures.memorisation import copying
from components.gate.figures.neighbours import neighbour_metrics
from components.judge.features import load_judge, load_memory, load_reference
from tests.support.gate_builders import digits, save_judge, tiny_judge

CLASSES, SIZE, SECOND_SIZE, COUNT = 10, 16, 8, 600


@pytest.fixture(scope="module")
def judge(mnist, tmp_path_factory):
    networks = tiny_judge(mnist.directory)
    return str(save_judge(tmp_path_factory.mktemp("judge"), networks, *digits(mnist.directory, "train[:3000]")))


@pytest.fixture(scope="module")
def views(mnist, judge):
    """Views of 600 real images and of as many slightly moved ones, with labels and keys."""
    images, labels = digits(mnist.directory, "test[:1000]")
    images, labels = images[:COUNT], labels[:COUNT]
    keys = np.random.default_rng(5).permutation(COUNT)
    some = [look(load_judge(judge), load_memory(judge), shown) for shown in (images, np.roll(images, 1, axis=1))]
    return some[0], labels, keys, some[1]


def rows(views, answered=None, fault=0):
    real, labels, keys, generated = views
    return list(rows_of(real, labels, keys, generated, labels if answered is None else answered, fault))


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


def test_sums_give_the_figures_of_whole_arrays_whatever_the_bundles(judge, views):
    real, labels, _, generated = views
    reference = load_reference(judge)
    counts = np.bincount(labels)
    chosen = np.concatenate([np.flatnonzero(reference.labels == label)[:count] for label, count in enumerate(counts)])
    distance = frechet_between(Moments.of(generated.features), Moments.of(real.features))
    floor = frechet_floor(Moments.of(reference.features[chosen]), Moments.of(real.features))
    second = frechet_between(Moments.of(generated.second), Moments.of(real.second))
    shares = class_shares(counts, np.bincount(generated.predicted, minlength=CLASSES))
    sums = [ClassSums.of(view.features, labels, CLASSES) for view in (generated, real)]
    expected = {
        "examples": COUNT,
        "frechet_distance": distance,
        "frechet_floor": floor,
        "frechet_ratio": distance / floor,
        "second_frechet_distance": second,
        "label_agreement": (generated.predicted == labels).mean(),
        "smallest_class_share": shares.min(),
        "class_share": shares.tolist(),
        "diversity": diversity_ratio(*sums),
    }
    infinities = []
    for bundles in groupings(COUNT):
        found = combine(QualityCombiner(judge, CLASSES, SIZE, SECOND_SIZE), rows(views), bundles)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name
        infinities.append(found["frechet_infinity"])
    assert infinities == pytest.approx([infinities[0]] * 3, rel=1e-6)


def test_samples_give_the_figures_of_whole_arrays_whatever_the_bundles(judge, views):
    real, _, keys, generated = views
    order = np.argsort(keys)
    real, generated = taken(real, order), taken(generated, order)
    expected = {
        **neighbour_metrics(real.features, generated.features, 3, 5),
        **dict(zip(("kid", "kid_error"), kernel_distance(real.features, generated.features), strict=True)),
        **copying(real.nearest, generated.nearest),
        "frechet_error": bootstrap_distances(real.features, generated.features).std(ddof=1),
    }
    found = [combine(SampleCombiner(judge, CLASSES, 10_000, 3, 5), rows(views), bundles) for bundles in groupings(COUNT)]
    assert found[0] == found[1] == found[2]
    for name, value in expected.items():
        assert found[0][name] == pytest.approx(value, rel=1e-6), name
    assert found[0]["real_recall"] > 0.5


@pytest.mark.parametrize("limit", [150, 400])
def test_a_bounded_sample_is_the_smallest_keys(judge, views, limit):
    real, _, keys, generated = views
    found = [combine(SampleCombiner(judge, CLASSES, limit, 3, 5), rows(views), bundles) for bundles in groupings(COUNT)]
    assert found[0] == found[1] == found[2]
    kept = np.argsort(keys)[:limit]
    assert found[0]["recall"] == neighbour_metrics(real.features[kept], generated.features[kept], 3, 5)["recall"]


def test_memory_is_bounded(judge, views):
    combiner = SampleCombiner(judge, CLASSES, 50, 3, 5)
    sample = combiner.create_accumulator()
    for repetition in range(5):
        for row in rows(views):
            sample = combiner.add_input(sample, row._replace(key=row.key + repetition * COUNT))
            assert sample.size <= 50
            assert len(sample.pending) < 1024


def test_a_share_by_key_bounds_all_accumulators_together(judge, views):
    """Beam hands out accumulators as it likes: each alone being bounded would let memory grow with their number."""
    keyed = [row._replace(key=row.key * (2**63 // COUNT)) for row in rows(views)]  # evenly over all that keys can be
    combiner = SampleCombiner(judge, CLASSES, 150, 3, 5, 150 / COUNT)
    samples = [combiner.create_accumulator() for _ in range(8)]
    for place, row in enumerate(keyed):
        samples[place % 8] = combiner.add_input(samples[place % 8], row)
    samples = [combiner.compact(sample) for sample in samples]
    assert sum(sample.size for sample in samples) == 150
    figures = combiner.extract_output(combiner.merge_accumulators(samples))
    assert figures == combine(SampleCombiner(judge, CLASSES, 150, 3, 5), keyed, [range(COUNT)])


def side_by_side(candidate, baseline, draws=2):
    """A pair as the metrics see it, [N, 2, draws, D]: each further draw is the first one, moved by a row."""

    def drawn(features):
        return np.stack([np.roll(features, draw, axis=0) for draw in range(draws)], axis=1)

    columns = (np.stack([drawn(side[place]) for side in (candidate, baseline)], axis=1) for place in (0, 1))
    return View(*columns, *candidate[2:])


def test_a_pair_is_compared(views):
    real, labels, keys, generated = views
    order = np.argsort(keys)
    worse = View(generated.features * 1.5, generated.second * 1.5, generated.nearest, generated.predicted)
    pair = side_by_side(worse, generated)
    change = combine(ChangeCombiner(10_000, CLASSES, 0.1), rows((real, labels, keys, pair)), [range(COUNT)])
    increase, error = compare(real.features[order], *pair.features[order].swapaxes(0, 1))
    assert change["frechet_increase"] == pytest.approx(increase)
    assert change["frechet_setback"] == pytest.approx(increase - max(0.1, 1.645 * error))
    assert change["second_frechet_setback"] > 0


def test_a_generator_is_no_setback_to_itself(views):
    real, labels, keys, generated = views
    pair = side_by_side(generated, generated)
    change = combine(ChangeCombiner(10_000, CLASSES, 0.1), rows((real, labels, keys, pair)), [range(COUNT)])
    assert change["frechet_increase"] == pytest.approx(0, abs=1e-9)
    assert change["frechet_setback"] == pytest.approx(-0.1)


def test_noise_is_told_of_all_classes_together_alone(judge, views):
    of_one = [row._replace(label=0) for row in rows(views) if row.label == 3]
    assert np.isnan(combine(SampleCombiner(judge, CLASSES, COUNT, 3, 5), of_one, [range(len(of_one))])["frechet_error"])
    assert combine(SampleCombiner(judge, 1, COUNT, 3, 5), of_one, [range(len(of_one))])["frechet_error"] > 0


def test_a_generator_without_classes_has_no_label_agreement(judge, views):
    found = combine(QualityCombiner(judge, CLASSES, SIZE, SECOND_SIZE), rows(views, np.full(COUNT, -1)), [range(COUNT)])
    assert np.isnan(found["label_agreement"])
    assert found["smallest_class_share"] > 0.03
    assert found["diversity"] > 0.3


def test_one_fault_spoils_every_figure(judge, views):
    some = rows(views)
    nothing = {"generated": np.full(SIZE, np.nan), "generated_second": np.full(SECOND_SIZE, np.nan), "generated_nearest": np.nan}
    some[17] = some[17]._replace(fault=3, **nothing)
    found = combine(QualityCombiner(judge, CLASSES, SIZE, SECOND_SIZE), some, np.array_split(np.arange(COUNT), 5))
    assert (found.pop("faulty_draws"), found.pop("fault"), found.pop("examples")) == (1, 3, COUNT)
    known = {"frechet_floor", "second_frechet_floor"}
    assert all(np.isnan(value).all() for name, value in found.items() if name not in known)
    found = combine(SampleCombiner(judge, CLASSES, COUNT, 3, 5), some, [range(COUNT)])
    assert all(np.isnan(value) for name, value in found.items() if not name.startswith("real_"))


def test_nothing_gives_no_number(judge):
    found = combine(QualityCombiner(judge, CLASSES, SIZE, SECOND_SIZE), [], [[]])
    assert found["examples"] == 0
    assert np.isnan(found["frechet_ratio"])
    assert np.isnan(found["smallest_class_share"])
    assert all(np.isnan(value) for value in combine(SampleCombiner(judge, CLASSES, 100, 3, 5), [], [[]]).values())
