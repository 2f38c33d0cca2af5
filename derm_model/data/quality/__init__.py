"""The quality of pictures: measures, rules that flag, decisions of a person, and notices for one picture."""

from derm_model.data.quality.decisions import (
    VERDICTS,
    QualityDecision,
    QualityDecisions,
    decide_quality,
    effective_flags,
    read_decisions,
    withdraw_quality,
    write_decisions,
)
from derm_model.data.quality.histogram import Histogram, histograms
from derm_model.data.quality.measures import MEASURES, QualityMeasures, measure_quality
from derm_model.data.quality.notices import QualityKind, QualityNotice, check_quality
from derm_model.data.quality.rules import DEFAULT_RULES, QualityRule, default_threshold, flags

__all__ = [
    "DEFAULT_RULES",
    "MEASURES",
    "VERDICTS",
    "Histogram",
    "QualityDecision",
    "QualityDecisions",
    "QualityKind",
    "QualityMeasures",
    "QualityNotice",
    "QualityRule",
    "check_quality",
    "decide_quality",
    "default_threshold",
    "effective_flags",
    "flags",
    "histograms",
    "measure_quality",
    "read_decisions",
    "withdraw_quality",
    "write_decisions",
]
