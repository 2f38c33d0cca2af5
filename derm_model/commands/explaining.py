"""Options of `saliency` that say what is explained, by which method and with which settings."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from derm_model.errors import DermTreeError
from derm_model.taxonomy import Aggregator, Taxonomy, read_tasks, restrict

if TYPE_CHECKING:
    from derm_model.net.bundle import ModelBundle
    from derm_model.net.saliency import Of, Target
    from derm_model.net.saliency.method import Method, Settings

METHOD = "gradient"  # the paper's
# Those of derm_model.net.saliency, which imports torch; a test keeps them equal.
METHOD_IDS = (
    *("gradient", "input_x_gradient", "smoothgrad", "vargrad", "integrated_gradients"),
    *("grad_cam", "guided_grad_cam", "occlusion", "rise"),
)
BASELINES = ("black", "blurred", "skin")
PREDICTED, TRUTH = "predicted", "truth"
# option -> field of Settings
SETTINGS = {
    "samples": "samples",
    "noise": "noise",
    "steps": "steps",
    "baseline": "baseline",
    "block": "block",
    "patch": "patch_px",
    "masks": "masks",
    "seed": "seed",
}


def add_explaining(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    what = parser.add_argument_group("what is explained (default: the most probable class)")
    one = what.add_mutually_exclusive_group()
    one.add_argument("--node", help="id, name or synonym of a taxonomy node: its summed probability")
    one.add_argument("--class", dest="training_class", metavar="CLASS", help="id or name of a training class")
    one.add_argument("--task", metavar="ID", help=f"the score of a question: {', '.join(read_tasks())}")
    one.add_argument(
        "--explain",
        choices=(PREDICTED, TRUTH),
        help="the most probable class, or the true label, where a manifest gives one",
    )
    what.add_argument("--rather-than", metavar="NODE", help="with --node or --class: why that one and not this node")
    what.add_argument(
        "--of",
        choices=("loss", "score"),
        default="loss",
        help="the loss -log P, as in the paper, or the probability itself (default: loss)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--method",
        choices=METHOD_IDS,
        default=METHOD,
        metavar="METHOD",
        help=f"{', '.join(METHOD_IDS)} (default: {METHOD}, of the loss the paper's; docs/saliency.md)",
    )
    how.add_argument("--samples", type=int, metavar="N", help="noisy copies (smoothgrad, vargrad)")
    how.add_argument("--noise", type=float, metavar="SHARE", help="their noise, as a share of the range")
    how.add_argument("--steps", type=int, metavar="N", help="steps from the baseline (integrated_gradients)")
    how.add_argument("--baseline", choices=BASELINES, help="what nothing looks like (integrated_gradients and covers)")
    how.add_argument("--block", metavar="NAME", help="block of the network (grad_cam, guided_grad_cam)")
    how.add_argument("--patch", type=int, metavar="PX", help="side of what is covered (occlusion)")
    how.add_argument("--masks", type=int, metavar="N", help="random masks (rise)")
    how.add_argument("--seed", type=int, help="of whatever is random (default 0)")


def read_method(args: argparse.Namespace, *, also: tuple[str, ...] = ()) -> tuple[Method, Settings]:
    """The method and its settings.

    Parameters
    ----------
    args
    also
        Fields of `Settings` that something else than the method reads.

    Raises
    ------
    DermTreeError
        A setting was given that nobody reads, or it is out of range.
    """
    from derm_model.net.saliency.method import Settings
    from derm_model.net.saliency.methods import METHODS

    method = METHODS[args.method]
    given: dict[str, Any] = {
        field: value for option, field in SETTINGS.items() if (value := getattr(args, option)) is not None
    }
    for option, field in SETTINGS.items():
        if field in given and field not in (*method.settings, *also):
            read = [f"--{name}" for name, known in SETTINGS.items() if known in method.settings]
            raise DermTreeError(
                f"--{option} is no setting of {method.id}, which has {' and '.join(read) or 'none'}. Leave it out."
            )
    return method, Settings(**given)


def read_target(args: argparse.Namespace, bundle: ModelBundle, taxonomy: Taxonomy) -> Target | None:
    """What is explained; None for the true label of each image.

    Raises
    ------
    DermTreeError
        There is no such node, class or question, or the model cannot tell about it.
    """
    from derm_model.net.saliency import Target

    of: Of = args.of
    aggregator = Aggregator(taxonomy, bundle.classes)
    if args.rather_than is not None and args.node is None and args.training_class is None:
        raise DermTreeError("--rather-than NODE asks why --node (or --class) and not that one. Name both.")
    if args.explain == TRUTH:
        return None
    if args.node is not None:
        node = _node("--node", args.node, taxonomy)
        if args.rather_than is None:
            return Target.of_node(aggregator, node, of, taxonomy.node(node).name)
        other = _node("--rather-than", args.rather_than, taxonomy)
        names = taxonomy.node(node).name, taxonomy.node(other).name
        return Target.of_difference(aggregator, node, other, of, names)
    if args.training_class is not None:
        index = _class_index(args.training_class, bundle)
        if args.rather_than is None:
            return Target.of_class(index, of)
        node = _node("--rather-than", args.rather_than, taxonomy)
        other_side = Target.of_node(aggregator, node, of, taxonomy.node(node).name)
        label = f"{bundle.classes[index].name} rather than {other_side.label}"
        return Target((index,), other_side.positive, label, of, contrast=True)
    if args.task is not None:
        return _task(args.task, bundle, taxonomy, of)
    return Target.predicted(of)


def _node(option: str, name: str, taxonomy: Taxonomy) -> str:
    node = taxonomy.find(name)
    if node is None:
        near = ", ".join(taxonomy.node(found).name for found in taxonomy.search(name, limit=3))
        raise DermTreeError(
            f"{option} takes an id, name or synonym of the taxonomy; {name!r} is none."
            + (f" Did you mean: {near}?" if near else " Try a part of its name.")
        )
    return node


def _class_index(name: str, bundle: ModelBundle) -> int:
    for index, training_class in enumerate(bundle.classes):
        if name.casefold() in (training_class.id.casefold(), training_class.name.casefold()):
            return index
    known = ", ".join(c.id for c in bundle.classes[:20]) + (", ..." if len(bundle.classes) > 20 else "")
    raise DermTreeError(f"--class takes a training class of the bundle; {name!r} is none. It has: {known}.")


def _task(name: str, bundle: ModelBundle, taxonomy: Taxonomy, of: Of) -> Target:
    from derm_model.net.saliency import Target

    tasks = read_tasks()
    if name not in tasks:
        raise DermTreeError(f"--task is one of {', '.join(tasks)}, not {name!r}.")
    sides = restrict(tasks[name], taxonomy, bundle.classes)
    if sides is None:
        raise DermTreeError(f"This model has no classes on both sides of the question {name!r}. Explain a node.")
    return Target.of_task(sides, of)
