"""Figures with their intervals as text, the same in terminal, report and page."""

from __future__ import annotations

from collections.abc import Iterator

from derm_model.assessment.question_figures import PointFigures
from derm_model.assessment.sample_figures import PAPER_CHANGE, SampleFigures
from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.predictive import Bounds, PredictiveValues
from derm_model.words import count, fine_percent, percent

UNDEFINED = "not defined"
PREDICTIVE_HEAD = ("Prevalence", "PPV", "NPV", "Biopsies per case")
SAMPLE_TITLE = "Sample set against full set, as in the paper's Figure 3"


def decimals(found: Interval) -> str:
    """``0.912 (0.885–0.941)``."""
    return f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})"


def share(found: Interval) -> str:
    """``62.3% (56.1–68.3%)``."""
    return _share(found.value, found.low, found.high)


def rates(found: PointFigures) -> tuple[str, str]:
    """Sensitivity and specificity, with intervals over patients or lesions; Wilson's where these cannot answer."""
    point = found.point
    return (
        _rate(point.sensitivity, point.sensitivity_interval, found.sensitivity),
        _rate(point.specificity, point.specificity_interval, found.specificity),
    )


def by_group(found: Bootstrapped | None) -> str:
    """The interval over patients or lesions; "" where there is none."""
    if found is None:
        return ""
    return f"{found.interval.low:.3f}–{found.interval.high:.3f} over {found.n_units:,} patients or lesions"


def predictive_row(found: PredictiveValues) -> tuple[str, str, str, str]:
    """Prevalence, PPV, NPV and number needed to biopsy, the last three with intervals."""
    needed, bounds = found.needed_to_biopsy, found.needed_to_biopsy_interval
    biopsies = UNDEFINED if needed is None or bounds is None else f"{needed:,.1f} ({bounds[0]:,.1f}–{bounds[1]:,.1f})"
    return (
        prevalence(found.prevalence),
        _predictive(found.ppv, found.ppv_interval),
        _predictive(found.npv, found.npv_interval),
        biopsies,
    )


def predictive_told(found: PredictiveValues) -> str:
    """``at 1% prevalence PPV 8.3%, NPV 99.3%``, part of a sentence."""
    ppv, npv = (UNDEFINED if value is None else fine_percent(value) for value in (found.ppv, found.npv))
    return f"at {prevalence(found.prevalence)} prevalence PPV {ppv}, NPV {npv}"


def prevalence(value: float) -> str:
    """``0.5%``, ``1%``, ``33.3%``."""
    return f"{value:.1%}".replace(".0%", "%")


def _predictive(value: float | None, bounds: Bounds | None) -> str:
    if value is None or bounds is None:
        return UNDEFINED
    return f"{fine_percent(value)} ({fine_percent(bounds[0]).removesuffix('%')}–{fine_percent(bounds[1])})"


def sample_names(found: SampleFigures) -> tuple[str, str]:
    """What stands beside the curves of all images and of the sample."""
    full, one = found.full, found.sample
    return (
        f"all {count(full.n_pos)} + {count(full.n_neg)}: AUC {full.value:.2f}",
        f"sample of {count(one.n_pos)} + {count(one.n_neg)}: AUC {one.value:.2f}",
    )


def sample_sentences(found: SampleFigures, positive: str, negative: str) -> Iterator[str]:
    """One sample, all images and other samples, then `sample_notes`; the names are those of the sides."""
    size, full, (low, high), (less, more) = found.size, found.full, found.area_range, found.difference_range
    yield (
        f"A sample of {count(size.n_pos)} + {count(size.n_neg)} images, drawn with seed {found.seed}: AUC "
        f"{decimals(found.sample)}. All {count(full.n_pos)} + {count(full.n_neg)}: {decimals(full)}. Difference "
        f"{signed(found.difference)}."
    )
    yield (
        f"Of {count(found.areas.size)} samples of this size 95% have an AUC of {low:.3f} to {high:.3f}, {signed(less)} "
        f"to {signed(more)} from that of all images; {percent(found.share_within)} differ from it by less than "
        f"{PAPER_CHANGE}, as the three of the paper did."
    )
    yield from sample_notes(found, positive, negative)


def sample_notes(found: SampleFigures, positive: str, negative: str) -> Iterator[str]:
    """What limits a sample and what samples can say."""
    size = found.size
    if found.is_smaller:
        yield (
            f"The paper's sample had {found.paper.n_pos} + {found.paper.n_neg} images; of so few images this is the "
            "largest with its ratio."
        )
    for used_up, name, n in zip(found.sides_used_up, (positive, negative), (size.n_pos, size.n_neg), strict=True):
        if used_up:
            yield f"All {count(n)} images of {name} are in every sample, so that samples differ less than they should."
    if found.n_repeated:
        yield f"{count(found.n_repeated)} images of the sample show a patient or lesion that it shows already."
    yield (
        "Samples are drawn without replacement, with one image of each patient or lesion where that is possible: they "
        "are parts of these images and say nothing of others."
    )


def signed(value: float) -> str:
    """Three decimals with a sign: ``+0.012``, ``−0.020``."""
    return f"{value:+.3f}".replace("-", "−")


def _rate(value: float, wilson: tuple[float, float], redrawn: Bootstrapped | None) -> str:
    low, high = wilson if redrawn is None else (redrawn.interval.low, redrawn.interval.high)
    return _share(value, low, high)


def _share(value: float, low: float, high: float) -> str:
    return f"{value:.1%} ({100 * low:.1f}–{high:.1%})"
