"""The model card as Markdown: the same words on the Model page, in a file and on a terminal. No torch in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from derm_model import words
from derm_model.card import BundleCard, Metric, Preset, TaskCard
from derm_model.card_subgroups import told_subgroups
from derm_model.errors import TrainingError
from derm_model.evaluation.curves import OperatingPoint
from derm_model.markup import BLANK, JOINER, Plain, escaped, table, unbroken
from derm_model.recipe.config import PRESETS, TrainConfig
from derm_model.recipe.options import OPTIONS
from derm_model.recipe.words import differences, in_words
from derm_model.taxonomy import Taxonomy, read_tasks

CALIBRATION_ERROR = "expected calibration error"  # as derm_model.measuring names it
ACCURACY = "balanced accuracy"  # the beginning of its names; the value is a share
NOT_TOLD = frozenset({"initialisation", "workers"})  # a path of some machine (the origin says it better); no effect


@dataclass(frozen=True)
class Section:
    """A part of the card: its `text` is Markdown without a heading."""

    key: str
    title: str
    text: str


def sections(
    card: BundleCard,
    *,
    taxonomy: Taxonomy | None = None,
    sizes: Mapping[str, int] | None = None,
    plain: Plain = escaped,
) -> tuple[Section, ...]:
    """Every part of the card, in reading order.

    Parameters
    ----------
    card
    taxonomy
        For the names of nodes; their ids stand where it is not given or does not know them.
    sizes
        Bytes of the bundle's files by name, where they are known.
    plain
        Makes text of the card safe where it will stand.
    """

    def safe(text: str) -> str:
        return plain(" ".join(text.split()))  # a line break would end a row of a table

    return (
        Section("use", "Intended use", _use(card, safe)),
        Section("data", "Data", _data(card, safe)),
        Section("training", "Training", _training(card, safe)),
        Section("partition", "Partition", _partition(card, taxonomy, safe)),
        Section("figures", "Figures on held-out images", _figures(card, safe)),
        Section("calibration", "Calibration", _calibration(card, safe)),
        Section("subgroups", "Subgroups", told_subgroups(card, safe)),
        Section("points", "Operating points", _points(card, safe)),
        Section("limits", "Limits", _limits(card, safe)),
        Section("files", "Files and identity", _files(card, sizes or {}, safe)),
    )


def markdown(card: BundleCard, *, taxonomy: Taxonomy | None = None, sizes: Mapping[str, int] | None = None) -> str:
    """The whole card as one Markdown document."""
    head = f"# Model card: {escaped(' '.join(card.name.split()))}\n\n{words.NOTICE}\n\n{summary(card)}"
    parts = [f"## {section.title}\n\n{section.text}" for section in sections(card, taxonomy=taxonomy, sizes=sizes)]
    text = "\n\n".join([head, *parts]) + "\n"
    return text.replace(BLANK, " ").replace(JOINER, "")  # a file is read as it stands, too


def summary(card: BundleCard) -> str:
    """One sentence: how many classes from how many images, judged on how many."""
    held_out = sum(source.n_test for source in card.data)
    judged = f"judged on {words.plural(held_out, 'image')} it never saw" if held_out else "judged on no held-out image"
    n_classes = words.plural(len(card.classes), "training class", "training classes")
    return f"{n_classes}, learnt from {words.plural(sum(s.n_train for s in card.data), 'image')}, {judged}."


def value(metric: Metric) -> str:
    """``62% (56–69%)`` for an accuracy, ``0.89 (0.83–0.92)`` otherwise; without the interval where there is none."""
    if metric.name.startswith(ACCURACY):
        if metric.low is None or metric.high is None:
            return f"{metric.value:.1%}"
        return words.rate(metric.value, (metric.low, metric.high))
    if metric.low is None or metric.high is None:
        return f"{metric.value:.3f}" if metric.name == CALIBRATION_ERROR else f"{metric.value:.2f}"
    return f"{metric.value:.2f} ({metric.low:.2f}–{metric.high:.2f})"


def images(metric: Metric) -> str:
    """``896``, or ``74 + 647`` (with + without disease) where the figure has two sides."""
    if metric.n_pos is None or metric.n_neg is None:
        return words.count(metric.n)
    return f"{words.count(metric.n_pos)} + {words.count(metric.n_neg)}"


def held_out_metrics(card: BundleCard) -> list[Metric]:
    """Figures of the card, each once, without the calibration errors; a card may repeat an AUC with its question."""
    found = [*card.metrics, *(metric for task in card.tasks.values() for metric in task.auc)]
    return [metric for metric in dict.fromkeys(found) if metric.name != CALIBRATION_ERROR]


def _use(card: BundleCard, safe: Plain) -> str:
    parts = [safe(card.intended_use), f"**Licence:** {safe(card.licence)}"]
    if words.NOTICE not in card.intended_use:
        parts.insert(1, words.NOTICE)
    return "\n\n".join(parts)


def _data(card: BundleCard, safe: Plain) -> str:
    rows = [
        (safe(s.name), safe(s.modality), *map(words.count, (s.n_train, s.n_validation, s.n_test)), safe(s.licence))
        for s in card.data
    ]
    if len(rows) > 1:
        sums = [sum(getattr(s, name) for s in card.data) for name in ("n_train", "n_validation", "n_test")]
        rows.append(("**Together**", "", *map(words.count, sums), ""))
    heads = ("Data set", "Kind", "Train", "Validation", "Held out", "Licence")
    sources = "\n".join(f"- {safe(s.name)}: {safe(s.reference)}" for s in card.data if s.reference)
    parts = [table(heads, rows, numbers=(2, 3, 4)), f"**Split:** {safe(card.split_rule)}", sources]
    return "\n\n".join(part for part in parts if part)


def _training(card: BundleCard, safe: Plain) -> str:
    training, reads = card.training, card.preprocessing
    size = reads.get("size_px", "?")
    standard = ", ".join(f"{name} {_listed(reads.get(name))}" for name in ("mean", "std"))
    lines = [
        ("Network", in_words("architecture", card.network.architecture)),
        ("First weights", card.network.origin),
        ("Reads", f"whole images, squashed to {size} × {size} pixels; channels in [0, 1] with {standard}"),
        ("Length", f"{words.plural(training.epochs, 'epoch')}, {_duration(training.seconds)}, on {training.hardware}"),
        (
            "Images",
            f"{words.count(training.n_train)} trained it; {words.count(training.n_validation)} validation images chose "
            "weights, temperature and thresholds",
        ),
    ]
    return f"{_facts(lines, safe)}\n\n{_recipe(training.config, safe)}"


def _recipe(config: Mapping[str, Any], safe: Plain) -> str:
    """Where the recipe leaves the preset it is nearest to; as it stands where this version cannot read it."""
    known = {name for name in OPTIONS if name in config}
    others = [(name, str(config[name]), "") for name in config if name not in known]
    try:
        recipe = TrainConfig.from_json({name: config[name] for name in known})
        name = min(PRESETS, key=lambda preset: len(differences(recipe, PRESETS[preset])))
        changes = {
            option: tuple(in_words(option, each) for each in pair)
            for option, pair in differences(recipe, PRESETS[name]).items()
            if option not in NOT_TOLD and any(OPTIONS[option].has_effect(vars(r)) for r in (recipe, PRESETS[name]))
        }
    except (TrainingError, TypeError, ValueError, AttributeError, KeyError):
        written = [(safe(option), safe(str(config[option]))) for option in config if option not in NOT_TOLD]
        return f"**Recipe,** as it was written:\n\n{table(('Option', 'Value'), written)}"
    rows = [*((OPTIONS[option].label, *pair) for option, pair in changes.items()), *others]
    if not rows:
        return f"**Recipe:** the preset {name}, unchanged."
    shown = table(("Option", "This model", f"Preset {name}"), [[safe(cell) for cell in row] for row in rows])
    return f"**Recipe:** the preset {name} with {words.plural(len(rows), 'change')}.\n\n{shown}"


def _partition(card: BundleCard, taxonomy: Taxonomy | None, safe: Plain) -> str:
    cut = card.partition
    rows = [
        (safe(c.name) + (" (rest)" if c.residual else ""), words.count(c.n_images), words.count(len(c.members)))
        for c in cut.classes
    ]
    parts = [
        f"{words.plural(len(rows), 'training class', 'training classes')}, mode {safe(cut.mode)}: a node with "
        f"{words.plural(cut.max_class_size, 'training image')} or more was split into its children. The probability of "
        "every node above the classes is the sum of the classes below it.",
        table(("Training class", "Images", "Nodes"), rows, numbers=(1, 2)),
        "Nodes: diseases and groups of the taxonomy whose images train the class. What is finer than a class is not "
        "resolved by this model.",
    ]
    if any(c.residual for c in cut.classes):
        parts.append("(rest): images labelled at the node itself, which was split.")
    for title, entries in (("Split nodes", cut.split_nodes), ("Left out as too large", cut.dropped_leaves)):
        names = [_node(e.node, taxonomy) + (f" ({words.count(e.n_images)})" if e.n_images else "") for e in entries]
        if names:
            parts.append(f"**{title}:** {safe('; '.join(names))}.")
    if cut.n_lost:
        parts.append(f"{words.plural(cut.n_lost, 'image')} (the numbers in brackets) are in no class.")
    return "\n\n".join(parts)


def _figures(card: BundleCard, safe: Plain) -> str:
    found = held_out_metrics(card)
    if not found:
        return "No image was held out, so nothing is known of images this model never saw."
    names = Counter(metric.name for metric in found)
    single = [(safe(m.name), *_figure(m, safe)) for m in found if names[m.name] == 1]
    heads = ("Images of", "Value (95% interval)", "n")
    parts = [table(("Figure", *heads), single, numbers=(2, 3))] if single else []
    for name in (name for name, n in names.items() if n > 1):  # one name above many rows, which a phone can show
        rows = [_figure(metric, safe) for metric in found if metric.name == name]
        parts.append(f"**{safe(name)}**\n\n{table(heads, rows, numbers=(1, 2))}")
    parts.append(
        "n = with disease + without, where a figure has two sides. Balanced accuracy is the mean of the accuracies of "
        "the classes."
    )
    return "\n\n".join(parts)


def _figure(metric: Metric, safe: Plain) -> tuple[str, str, str]:
    return safe(metric.data_set), unbroken(value(metric)), unbroken(images(metric))


def _calibration(card: BundleCard, safe: Plain) -> str:
    errors = [metric for metric in dict.fromkeys(card.metrics) if metric.name == CALIBRATION_ERROR]
    said = (
        f"**Temperature {card.temperature:.2f}**, fitted on validation images: what the network says is divided by it "
        "before it becomes probabilities. All probabilities shown anywhere are those after it."
    )
    if not errors:
        return f"{said}\n\nHow well they are calibrated on held-out images was not measured."
    rows = [(safe(m.data_set), value(m), words.count(m.n)) for m in errors]
    return (
        f"{said}\n\n{table(('Held-out images of', 'Expected calibration error', 'n'), rows, numbers=(1, 2))}\n\n"
        "The error is the mean distance between stated probability and share of right answers; 0 is perfect."
    )


def _points(card: BundleCard, safe: Plain) -> str:
    names = {task.id: task.name for task in read_tasks().values()}
    parts = [_task(names.get(task_id, task_id), task, safe) for task_id, task in card.tasks.items()]
    return "\n\n".join(parts) or words.NO_POINT


def _task(name: str, task: TaskCard, safe: Plain) -> str:
    rows = [row for preset in task.presets for row in _preset(preset, safe)]
    heads = ("Operating point, images (n)", "Sensitivity", "Specificity")
    proven = "Every" if task.biopsy_proven else "Not every"
    note = f" {proven} held-out image is biopsy-proven." if task.holdout is not None else ""
    return (
        f"**{safe(name)}**\n\n{table(heads, rows, numbers=(1, 2))}\n\n"
        f"Thresholds were chosen on the validation images, whose rates therefore flatter.{note} n = with disease + "
        "without."
    )


def _preset(preset: Preset, safe: Plain) -> list[tuple[str, ...]]:
    """A line for the name and one for each set of images: three columns are what a phone can show."""
    head = (f"**{safe(preset.name)}**, threshold {preset.threshold:.3f}", "", "")
    rows: list[tuple[str, ...]] = [head, _rates("validation", preset.chosen)]
    return rows if preset.held_out is None else [*rows, _rates("held out", preset.held_out)]


def _rates(kind: str, point: OperatingPoint) -> tuple[str, str, str]:
    return (
        unbroken(f"{kind} ({words.count(point.n_pos)} + {words.count(point.n_neg)})"),
        unbroken(words.rate(point.sensitivity, point.sensitivity_interval)),
        unbroken(words.rate(point.specificity, point.specificity_interval)),
    )


def _limits(card: BundleCard, safe: Plain) -> str:
    listed = "\n".join(f"- {safe(limit)}" for limit in card.limitations)
    general = (
        "Where a test set holds few images of a skin colour, body site or diagnosis, little is known of the error "
        "rates there."
    )
    return f"{listed}\n\n{general}" if listed else general


def _files(card: BundleCard, sizes: Mapping[str, int], safe: Plain) -> str:
    lines = [
        ("Bundle", card.bundle_id),
        ("Made at", f"{card.created_at[:16].replace('T', ' ')} UTC, by DermTree {card.code_version}"),
        ("Format", f"{card.format_version}: bundle.json and safetensors, nothing pickled"),
        *((name, f"{size / 1e6:,.1f} MB") for name, size in sizes.items()),
        ("SHA-256 of the weights", card.weights_sha256),
        ("Taxonomy digest", card.taxonomy_digest),
    ]
    reference = card.feature_reference
    if reference is not None:
        lines.append(
            (
                "Unlike-image notice",
                f"distance to {words.plural(reference.n_train, 'training image')}, ranked among "
                f"{words.plural(reference.n_validation, 'validation image')} ({reference.method})",
            )
        )
    return _facts(lines, safe)


def _facts(lines: Iterable[tuple[str, str]], safe: Plain) -> str:
    return "\n".join(f"- **{safe(name)}:** {safe(text)}" for name, text in lines)


def _node(node: str, taxonomy: Taxonomy | None) -> str:
    return taxonomy.node(node).name if taxonomy is not None and node in taxonomy.index else node


def _listed(values: Any) -> str:
    return ", ".join(f"{x:g}" for x in values) if isinstance(values, list | tuple) else "not known"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
