"""What was chosen for a workspace: rules of the duplicate graph, quality thresholds, the plan of the splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from derm_model.curation.workspace import FORMAT, now, read_json
from derm_model.data.duplicates.components import GraphRules, rules_from_json
from derm_model.data.split_plan import SplitPlan, plan_from_json
from derm_model.errors import CurationError
from derm_model.files import taking_turns, write_json

if TYPE_CHECKING:
    from derm_model.curation.workspace import Workspace


@dataclass(frozen=True)
class Settings:
    """Chosen values; what nobody changed is the default.

    Attributes
    ----------
    rules
        Which edges join images into groups.
    thresholds
        Quality measure -> threshold, only those that differ from `derm_model.data.quality.DEFAULT_RULES`; None switches
        a rule off.
    plan
        How test set and folds are made.
    """

    rules: GraphRules = field(default_factory=GraphRules)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    plan: SplitPlan = field(default_factory=SplitPlan)

    def to_json(self) -> dict[str, Any]:
        """As settings.json holds them."""
        return {"rules": self.rules.to_json(), "thresholds": dict(self.thresholds), "plan": self.plan.to_json()}


def read_settings(workspace: Workspace) -> Settings:
    """Settings of a workspace.

    Raises
    ------
    CurationError, SplitError
        The file is damaged, or of a newer DermTree.
    """
    values = read_json(workspace.paths.settings)
    if values.get("format", FORMAT) > FORMAT:
        raise CurationError(
            f"The workspace {workspace.name} was made by a newer DermTree: its format is {values['format']}, "
            f"known is {FORMAT}. Update DermTree to open it."
        )
    thresholds = values.get("thresholds", {})
    if not isinstance(thresholds, dict) or not all(
        v is None or isinstance(v, int | float) for v in thresholds.values()
    ):
        raise CurationError(f"Quality thresholds are numbers by name. {workspace.paths.settings} holds {thresholds!r}.")
    return Settings(
        rules=rules_from_json(values.get("rules", {})),
        thresholds={str(name): None if value is None else float(value) for name, value in thresholds.items()},
        plan=plan_from_json(values.get("plan", {})),
    )


def change_settings(
    workspace: Workspace,
    *,
    rules: GraphRules | None = None,
    thresholds: Mapping[str, float | None] | None = None,
    plan: SplitPlan | None = None,
) -> Settings:
    """Read, change what is given, write; two people who change different things at once both succeed."""
    given = {"rules": rules, "thresholds": thresholds, "plan": plan}
    with taking_turns(workspace.paths.settings):
        changed = replace(
            read_settings(workspace),
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )
        before = read_json(workspace.paths.settings)
        write_json(workspace.paths.settings, {**before, **changed.to_json(), "changed_at": now()})
    return changed
