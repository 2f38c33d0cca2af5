"""The disease tree, the training classes cut from it, and what their probabilities say about every node."""

from derm_model.taxonomy.aggregation import Aggregator, Resolution
from derm_model.taxonomy.crosswalk import Crosswalk, read_crosswalk
from derm_model.taxonomy.partition import NodeImages, Partition, TrainingClass, partition
from derm_model.taxonomy.reading import read_taxonomy
from derm_model.taxonomy.targets import CoarseLabel, Targets, make_targets
from derm_model.taxonomy.tasks import Task, TaskClasses, read_tasks, restrict, task_score
from derm_model.taxonomy.tree import Node, Taxonomy

__all__ = [
    "Aggregator",
    "CoarseLabel",
    "Crosswalk",
    "Node",
    "NodeImages",
    "Partition",
    "Resolution",
    "Targets",
    "Task",
    "TaskClasses",
    "Taxonomy",
    "TrainingClass",
    "make_targets",
    "partition",
    "read_crosswalk",
    "read_tasks",
    "read_taxonomy",
    "restrict",
    "task_score",
]
