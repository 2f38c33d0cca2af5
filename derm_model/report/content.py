"""What stands in a report, in words and in order; `pdf` and `html` only draw it, so that both say the same.

Nothing here names a file unless `with_names` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derm_model import words
from derm_model.card import NOTICE_PERCENTILE, BundleCard
from derm_model.report.case import CaseReport, ImageResult, TaskResult
from derm_model.report.document import Block, Document, Part, Picture, Row, Shown, Table

SMALL = 0.01  # rows below are counted, not listed, as in the app
MAX_CLASSES = 12  # of the training classes listed; a bundle may have hundreds
MAX_NAME = 90  # characters of a name in a table
VIEWS_ABREAST = 8  # columns of the table of views
NOT_RESOLVED = "not resolved"
NO_THRESHOLD = "Nobody chose a threshold for this question, so the score lies on neither side of one."
DRAWING = "Drawing made by a program, not a patient."
OTHER_HEAD = ("Question", "Applies", "Score", "Threshold", "Side", "Sensitivity", "Specificity", "n")
SOURCE_HEAD = ("Data set", "Kind", "Train", "Validation", "Held out", "Licence")


def make_document(report: CaseReport, *, note: str = "", with_names: bool = False) -> Document:
    """A case as a document.

    Parameters
    ----------
    report
    note
        Of the clinician, already typed; there is room for a written one anyhow.
    with_names
        Whether the names of the files stand in it.
    """
    drawings = sum(image.is_drawing for image in report.images)
    time = f"{report.created_at:%Y-%m-%d %H:%M} UTC"
    return Document(
        title=_title(report),
        subtitle=f"{time} · model {report.model}, bundle {report.bundle_id}",
        footer=f"Bundle {short(report.bundle_id, 60)} · {time}",
        notices=(f"**{_drawings(drawings, len(report.images))}** {words.DRAWINGS}",) if drawings else (),
        overview=_overview(report) if report.separate else None,
        parts=tuple(_parts(report, with_names)),
        map_text=_map_text(report),
        facts=tuple(_facts(report)),
        sources=None if report.card is None else _sources(report.card),
        limits=() if report.card is None else report.card.limitations,
        intended_use=words.NOTICE if report.card is None else report.card.intended_use,
        note="\n".join(line.rstrip() for line in note.strip().splitlines()),
    )


def _title(report: CaseReport) -> str:
    n = len(report.images)
    if report.separate:
        return f"Image report: {n} separate lesions"
    return f"Image report: {n} views of one lesion, averaged" if n > 1 else "Image report: one image"


def _drawings(drawings: int, n: int) -> str:
    if drawings == n:
        return "A drawing, not a patient." if n == 1 else "Drawings, not patients."
    return f"{words.plural(drawings, 'drawing')} among the images."


def _parts(report: CaseReport, with_names: bool) -> Iterator[Part]:
    if report.separate:
        for number, image in enumerate(report.images, start=1):
            shown = (_shown(image, number, with_names, "Lesion"),)
            yield _part(report, f"Lesion {number}", shown, image.class_probs, image.nodes, image.tasks)
        return
    several = len(report.images) > 1
    images = tuple(_shown(image, i, with_names, "View" if several else "") for i, image in enumerate(report.images, 1))
    yield _part(report, None, images, report.class_probs or {}, report.nodes or {}, report.tasks)


def _part(
    report: CaseReport,
    title: str | None,
    images: tuple[Shown, ...],
    class_probs: Mapping[str, float],
    nodes: Mapping[str, float | None],
    tasks: Mapping[str, TaskResult],
) -> Part:
    """One question in full where it was asked, else those that more likely than not apply; the others in a table."""
    if report.asked in tasks:
        full = [report.asked]
    else:
        full = [key for key, task in tasks.items() if task.region_probability >= words.DOUBTFUL_REGION]
    others = [task for key, task in tasks.items() if key not in full]
    classes, folded = _class_rows(report, class_probs)
    views = report.images if report.averaged else ()
    return Part(
        title=title,
        asked=report.asked in tasks,
        images=images,
        blocks=tuple(_block(tasks[key], _disagreement(views, key)) for key in full if key is not None),
        others=_others(others) if others else None,
        nodes=tuple(_node_rows(report, nodes)),
        unresolved=_unresolved(report, nodes),
        classes=classes,
        folded=folded,
        views=tuple(_views(report)) if views else (),
    )


def _shown(image: ImageResult, number: int, with_names: bool, what: str) -> Shown:
    named = f"{what} {number}" if what else "Image 1"
    size = f"{image.width_px:,} × {image.height_px:,} px"
    parts = [f"**{named}**", size, *((image.file,) if with_names else ())]
    caption = " · ".join(parts) + (f". {DRAWING}" if image.is_drawing else "")
    kind = "drawing" if image.is_drawing else "image"
    picture = None if image.picture is None else Picture(image.picture, caption, f"{named}: the {kind}, {size}.")
    percentile = image.ood_percentile
    strange = percentile is not None and percentile >= NOTICE_PERCENTILE
    notices = (*image.notices, *((words.unusual(percentile),) if percentile is not None and strange else ()))
    told = None if percentile is None or strange else words.not_unusual(percentile)
    return Shown(picture, _map(image, named), caption, notices, told)


def _map(image: ImageResult, named: str) -> Picture | None:
    found = image.map
    if found is None:
        return None
    note = f" {found.note}" if found.note else ""
    return Picture(found.pixels, f"Map for **{found.label}**.{note}", f"{named} with the map for {found.label} on it.")


def _map_text(report: CaseReport) -> str | None:
    """How the maps were made, once, and how they are read."""
    found = [image.map for image in report.images if image.map is not None]
    if not found:
        return None
    made = dict.fromkeys(f"{m.method.rstrip('.')}, shown at a strength of {m.strength:.0%}." for m in found)
    return f"Map: {' '.join(made)} {words.MAP}"


def _block(task: TaskResult, disagreement: str | None) -> Block:
    verdict, doubt = (
        task.verdict,
        words.doubtful_region(task.region_probability, task.positive_name, task.negative_name),
    )
    others = () if task.threshold is None else (task.threshold,)
    score = "" if task.score is None else f"Score {words.number(task.score, *others)}"
    if verdict is not None:
        mark, heading, suggestion = verdict.mark, verdict.heading, verdict.suggestion
    elif task.score is None:
        mark, heading, suggestion = "", "No score", words.NO_SCORE
    else:
        mark, heading, suggestion = "", "No threshold", NO_THRESHOLD
    return Block(
        question=task.question,
        mark=mark,
        heading=heading,
        suggestion=suggestion,
        score=task.score,
        threshold=task.threshold,
        score_text=score,
        threshold_text=_threshold(task),
        rates=rates_told(task),
        applies=f"Probability that this question applies: {words.percent(task.region_probability)}.",
        disagreement=disagreement,
        notice=doubt,
    )


def _threshold(task: TaskResult) -> str:
    if task.threshold is None:
        return ""
    others = () if task.score is None else (task.score,)
    rule = f" ({task.threshold_rule})" if task.threshold_rule else ""
    return f"threshold {words.number(task.threshold, *others)}{rule}"


def rates_told(task: TaskResult) -> str:
    """The sentences beside a threshold, as on the page."""
    if task.threshold is None:
        return ""
    if task.rates is None:
        return words.NO_POINT
    rates = words.error_rates(
        task.rates, disease=task.positive_name, biopsy_proven=task.biopsy_proven, held_out=task.held_out
    )
    return f"{rates} {task.origin}" if task.origin else rates


def _side(task: TaskResult) -> str:
    if task.verdict is None:
        return "no score" if task.score is None else "no threshold"
    return f"{task.verdict.mark} {'above' if task.verdict.above else 'below'}{', close' if task.verdict.close else ''}"


def _others(tasks: Sequence[TaskResult]) -> Table:
    """A line per question; the caption says on which images the rates were counted."""
    measured = " or ".join(dict.fromkeys(t.measured_on for t in tasks if t.rates is not None and t.measured_on))
    caption = f"Other questions the model can answer{f' (rates on {measured})' if measured else ''}"
    return Table(caption, OTHER_HEAD, tuple(map(_other, tasks)))


def _other(task: TaskResult) -> tuple[str, ...]:
    rates, threshold = task.rates, task.threshold
    pair = tuple(value for value in (task.score, threshold) if value is not None)
    return (
        f"{task.question}{_fit(task)}",
        words.percent(task.region_probability),
        "–" if task.score is None else words.number(task.score, *pair[1:]),
        "–" if threshold is None else words.number(threshold, *pair[:1]),
        _side(task),
        "–" if rates is None else words.rate(rates.sensitivity, rates.sensitivity_interval),
        "–" if rates is None else words.rate(rates.specificity, rates.specificity_interval),
        "–" if rates is None else f"{words.count(rates.n_pos)} + {words.count(rates.n_neg)}",
    )


def _fit(task: TaskResult) -> str:
    """Doubt in a table; the whole notice stands at the question itself."""
    return " May not fit." if task.region_probability < words.DOUBTFUL_REGION else ""


def _disagreement(views: Sequence[ImageResult], task_id: str) -> str | None:
    sides = [v.above for image in views if (v := image.tasks[task_id].verdict) is not None]
    return words.views_disagree(sum(sides), len(sides))


def short(name: str, longest: int = MAX_NAME) -> str:
    """A name no longer than a table bears."""
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"


def _row(report: CaseReport, key: str, probability: float, *, root: bool = False, child: bool = False) -> Row:
    facts = report.facts(key)
    return Row(short(facts.name), facts.role, words.percent(probability), probability, root, child)


def _node_rows(report: CaseReport, nodes: Mapping[str, float | None]) -> Iterator[Row]:
    """Roots with their nine classes below them, most probable first; without those that are not resolved."""
    resolved = {key: probability for key, probability in nodes.items() if probability is not None}
    ordered = sorted(resolved, key=lambda key: -resolved[key])
    for root in ordered:
        if report.facts(root).parent in nodes:
            continue
        yield _row(report, root, resolved[root], root=True)
        for node in ordered:
            if report.facts(node).parent == root:
                yield _row(report, node, resolved[node], child=True)


def _unresolved(report: CaseReport, nodes: Mapping[str, float | None]) -> str | None:
    names = [short(report.facts(key).name) for key, probability in nodes.items() if probability is None]
    return f"Not resolved by this model: {'; '.join(names)}." if names else None


def _class_rows(report: CaseReport, probs: Mapping[str, float]) -> tuple[tuple[Row, ...], str | None]:
    """The most probable training classes, and a sentence on the others."""
    ordered = sorted(probs, key=lambda key: -probs[key])
    listed = [key for key in ordered if probs[key] >= SMALL][:MAX_CLASSES]
    left = len(ordered) - len(listed)
    classes = words.plural(left, "more training class", "more training classes")
    folded = (
        f"{classes}, together {words.percent(sum(probs[key] for key in ordered[len(listed) :]))}." if left else None
    )
    return tuple(_row(report, key, probs[key]) for key in listed), folded


def _views(report: CaseReport) -> Iterator[Table]:
    """Every view on its own, some abreast; the mean stands at the end of each table."""
    classes, nodes = report.class_probs or {}, report.nodes or {}
    listed = sorted(classes, key=lambda key: -classes[key])[:MAX_CLASSES]
    for first in range(0, len(report.images), VIEWS_ABREAST):
        images = report.images[first : first + VIEWS_ABREAST]
        numbers = [str(first + i) for i in range(1, len(images) + 1)]
        rows = []
        for task_id, mean in report.tasks.items():
            scores = [image.tasks[task_id].score for image in images] + [mean.score]
            rows.append((f"Score: {mean.question}", *("–" if s is None else words.number(s) for s in scores)))
            applies = [image.tasks[task_id].region_probability for image in images] + [mean.region_probability]
            rows.append(("This question applies", *map(words.percent, applies)))
        rows += _view_rows(
            report, "", nodes, [image.nodes for image in images], [k for k in nodes if nodes[k] is not None]
        )
        rows += _view_rows(report, "Class: ", classes, [image.class_probs for image in images], listed)
        yield Table("Each view on its own", ("View", *numbers, "mean"), tuple(rows))


def _view_rows(
    report: CaseReport,
    kind: str,
    mean: Mapping[str, float | None] | Mapping[str, float],
    views: Sequence[Mapping[str, float | None] | Mapping[str, float]],
    keys: Sequence[str],
) -> Iterator[tuple[str, ...]]:
    """A row per node or class that some view gives at least one per cent."""
    for key in keys:
        values = [*(view[key] for view in views), mean[key]]
        if any(value is not None and value >= SMALL for value in values):
            texts = [NOT_RESOLVED if value is None else words.percent(value) for value in values]
            yield f"{kind}{short(report.facts(key).name)}", *texts


def _overview(report: CaseReport) -> Table:
    """One line per lesion."""
    asked = report.asked
    head: tuple[str, ...] = ("Lesion", "Most probable of nine", "Probability")
    if asked is not None:
        head = (*head, "Score", "Threshold", "Operating point")
    rows = []
    for number, image in enumerate(report.images, start=1):
        best = max(
            (key for key, p in image.nodes.items() if p is not None and report.facts(key).parent is not None),
            key=lambda key: image.nodes[key] or 0.0,
            default=None,
        )
        answer = ("–", "–") if best is None else (report.facts(best).name, words.percent(image.nodes[best] or 0.0))
        row: tuple[str, ...] = (str(number), *answer)
        if asked is not None:
            score, threshold, side = _other(image.tasks[asked])[2:5]
            row = (*row, score, threshold, f"{side}.{fit}" if (fit := _fit(image.tasks[asked])) else side)
        rows.append(row)
    question = "" if asked is None else f": {report.images[0].tasks[asked].question}"
    return Table(f"All lesions{question}", head, tuple(rows))


def _facts(report: CaseReport) -> Iterator[tuple[str, str]]:
    yield "Model", f"{report.model}, bundle {report.bundle_id}"
    card = report.card
    if card is not None:
        yield "Made at", f"{card.created_at[:16].replace('T', ' ')} UTC, by DermTree {card.code_version}"
        yield "Weights", f"SHA-256 {card.weights_sha256}"
        n_classes = words.plural(len(card.classes), "training class", "training classes")
        yield "Network", f"{card.network.architecture}, {n_classes}; calibration temperature {card.temperature:.2f}"
    yield "Taxonomy", f"digest {report.taxonomy_digest}"
    if card is not None:
        yield "Split", card.split_rule
    yield "Licence", report.licence
    prints = "; ".join(f"{number}: {image.sha256[:16]}…" for number, image in enumerate(report.images, start=1))
    yield "Image files", f"SHA-256 {prints}"


def _sources(card: BundleCard) -> Table:
    rows = tuple(
        (s.name, s.modality, words.count(s.n_train), words.count(s.n_validation), words.count(s.n_test), s.licence)
        for s in card.data
    )
    return Table("Learnt from, and tested on", SOURCE_HEAD, rows)
