"""The CombineFns: the same figures as from whole arrays, however rows are grouped and ordered."""

import numpy as np
import pytest

from components.gate.combiners import NeighbourCombiner, QualityCombiner, Row
from components.gate.reference import neighbour_metrics
from components.gate.scoring import score
from components.judge.features import Judge
from tests.unit.gate.builders import digits, save_judge, tiny_judge

CLASSES, SIZE = 10, 16


@pytest.fixture(scope="module")
def judge(mnist, tmp_path_factory):
    network = tiny_judge(mnist.directory)
    return save_judge(tmp_path_factory.mktemp("judge"), network, *digits(mnist.directory, "train[:3000]"))


@pytest.fixture(scope="module")
def arrays(mnist):
    judge = Judge(tiny_judge(mnist.directory))
    real, labels = digits(mnist.directory, "test[:1000]")
    real, labels = real[:600], labels[:600]
    features, probabilities = judge.features(np.roll(real, 1, axis=1))
    return judge.features(real)[0], labels, features, probabilities.argmax(1)


def rows_of(arrays, answered=None, fault=0):
    real, labels, generated, predicted = arrays
    keys = np.random.default_rng(5).permutation(len(labels))
    answered = labels if answered is None else answered
    return [Row(*row, fault) for row in zip(real, generated, labels, keys, predicted, answered, strict=True)]


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


def test_figures_are_those_of_whole_arrays_whatever_the_bundles(judge, arrays, mnist):
    real, labels, generated, predicted = arrays
    reference, reference_labels = digits(mnist.directory, "train[:3000]")
    reference = Judge(tiny_judge(mnist.directory)).features(reference)[0]
    expected = score(real, labels, generated, predicted, labels, reference, reference_labels, per_class=False)
    rows = rows_of(arrays)
    for bundles in groupings(len(rows)):
        found = combine(QualityCombiner(str(judge), CLASSES, SIZE), rows, bundles)
        found |= combine(NeighbourCombiner(SIZE, 10_000, 3, 5), rows, bundles)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name
    assert found["examples"] == 600


def test_a_bounded_sample_is_the_same_whatever_the_bundles(arrays):
    rows = rows_of(arrays)
    found = [combine(NeighbourCombiner(SIZE, 150, 3, 5), rows, bundles) for bundles in groupings(len(rows))]
    assert found[0] == found[1] == found[2]
    kept = [index for index, row in enumerate(rows) if row.key < 150]
    kept.sort(key=lambda index: rows[index].key)
    assert found[0] == neighbour_metrics(arrays[0][kept], arrays[2][kept], 3, 5)


def test_memory_is_bounded(arrays):
    combiner = NeighbourCombiner(SIZE, 50, 3, 5)
    sample = combiner.create_accumulator()
    for row in rows_of(arrays):
        sample = combiner.add_input(sample, row)
        assert len(sample.keys) + len(sample.pending) < 100


def test_a_generator_without_classes_has_no_label_agreement(judge, arrays):
    rows = rows_of(arrays, answered=np.full(600, -1))
    found = combine(QualityCombiner(str(judge), CLASSES, SIZE), rows, [range(600)])
    assert np.isnan(found["label_agreement"])
    assert found["smallest_class_share"] > 0.03


def test_one_fault_spoils_every_figure(judge, arrays):
    rows = rows_of(arrays)
    rows[17] = rows[17]._replace(generated=np.full(SIZE, np.nan, np.float32), fault=3)
    found = combine(QualityCombiner(str(judge), CLASSES, SIZE), rows, np.array_split(np.arange(600), 5))
    found |= combine(NeighbourCombiner(SIZE, 100, 3, 5), rows, [range(600)])
    assert found["faulty_draws"] == 1
    assert found["fault"] == 3
    for name in ("frechet_distance", "frechet_ratio", "label_agreement", "smallest_class_share"):
        assert np.isnan(found[name]), name


def test_nothing_gives_no_number(judge):
    found = combine(QualityCombiner(str(judge), CLASSES, SIZE), [], [[]])
    found |= combine(NeighbourCombiner(SIZE, 100, 3, 5), [], [[]])
    assert found["examples"] == 0
    assert np.isnan(found["frechet_ratio"])
    assert np.isnan(found["smallest_class_share"])
    assert np.isnan(found["recall"])
