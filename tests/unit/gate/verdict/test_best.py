"""A version is held to the best that was pushed, not to the last one alone."""

from components.gate.verdict.best import best_checks, next_best, read_best
from components.gate.verdict.verdict import Best, Verdict

OPTIONS = {"max_frechet_increase": 0.1, "max_recall_drop": 0.05, "max_label_agreement_drop": 0.02}
ERRORS = {"frechet_ratio": 0.02, "second_frechet_ratio": 0.02}


def verdict(ratio=1.0, recall=0.9):
    figures = {"frechet_ratio": ratio, "second_frechet_ratio": 1.0, "recall": recall, "label_agreement": 0.99}
    return Verdict(blessed=True, reason="", figures=figures)


def failed(candidate, best):
    return {check.metric for check in best_checks(candidate, ERRORS, best, OPTIONS) if not check.passed}


def test_small_steps_add_up_to_a_refusal():
    best, refused_at = None, None
    for step in range(10):
        candidate = verdict(ratio=1.0 + 0.04 * step)
        if best and failed(candidate, best):
            refused_at = step
            break
        best = next_best(candidate, ERRORS, best, "judge")
    assert refused_at == 3  # 12 % worse than the first, 4 % than the last


def test_the_best_moves_only_when_it_is_beaten_by_more_than_noise():
    first = next_best(verdict(1.0), ERRORS, None, "judge")
    assert next_best(verdict(0.99), ERRORS, first, "judge").figures["frechet_ratio"] == 1.0
    assert next_best(verdict(0.9), ERRORS, first, "judge").figures["frechet_ratio"] == 0.9
    assert next_best(verdict(1.0, recall=0.95), ERRORS, first, "judge").figures["recall"] == 0.95


def test_a_fall_of_recall_counts_from_the_best():
    best = next_best(verdict(recall=0.9), ERRORS, None, "judge")
    assert failed(verdict(recall=0.84), best) == {"best_recall"}
    assert failed(verdict(recall=0.86), best) == set()
    assert failed(Verdict(blessed=True, reason=""), best) == {"best_frechet_ratio", "best_second_frechet_ratio"}


def test_a_seed_that_is_as_good_is_not_refused_for_the_luck_of_another():
    errors = {"frechet_ratio": 0.1, "second_frechet_ratio": 0.08}  # three trainings of `quick`, docs/gate.md
    lucky = next_best(verdict(1.28), errors, None, "judge")
    lucky.figures["second_frechet_ratio"] = 0.961
    candidate = verdict(1.39)
    candidate.figures["second_frechet_ratio"] = 1.187
    assert {check.metric for check in best_checks(candidate, errors, lucky, OPTIONS) if not check.passed} == set()


def test_noise_of_the_best_excuses_half_as_much_again_at_most():
    best = next_best(verdict(1.0), {"frechet_ratio": 0.4, "second_frechet_ratio": 0.02}, None, "judge")
    assert failed(verdict(ratio=1.45), best) == set()
    assert failed(verdict(ratio=1.55), best) == {"best_frechet_ratio"}


def test_another_judges_figures_and_nonsense_do_not_compare():
    told = {"best": Best(judge="a", figures={"recall": 0.9}).model_dump()}
    assert read_best(told, "a") == Best(judge="a", figures={"recall": 0.9})
    assert read_best(told, "b") is None
    for nonsense in (None, {}, [], {"best": None}, {"best": {"judge": 3}}, "text"):
        assert read_best(nonsense, "a") is None
