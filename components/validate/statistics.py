"""Which statistics the validator needs."""

from __future__ import annotations

import tensorflow_data_validation as tfdv


def statistics_options() -> tfdv.StatsOptions:
    """Options of the StatisticsGen that feeds the validator; give it the schema as well.

    Image statistics belong to TFDV's semantic domains, which are off by default; every record is looked at, because one
    broken image is one too many.
    """
    return tfdv.StatsOptions(enable_semantic_domain_stats=True, semantic_domain_stats_sample_rate=1.0)
