"""What somebody set on the desk: the one owner of these numbers; controls, presets and clicks write here."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_COST = 10.0  # an example to start from, which nobody has to share: the page asks for one's own
MIN_COST, MAX_COST = 1.0, 1000.0
MIN_PREVALENCE, MAX_PREVALENCE = 0.001, 0.999  # of 1,000 people at least one has the disease, and one has not


@dataclass
class Hand:
    """Settings for one question of one bundle.

    Attributes
    ----------
    threshold
        Of point A, in [0, 1].
    chosen_on
        Key of the images it was chosen on; "" where that is not known.
    follows_cost
        Whether the threshold was chosen by the cost ratio, and moves when the ratio or the prevalence does.
    other
        Threshold of point B; None where nothing is compared.
    other_chosen_on
        As `chosen_on`, of B.
    prevalence
        Share of people with the disease; None: as in the images shown.
    cost
        A missed disease costs this many times a needless alarm.
    first
        Threshold the desk began with: whatever differs was set by somebody.
    """

    threshold: float
    chosen_on: str
    follows_cost: bool = False
    other: float | None = None
    other_chosen_on: str = ""
    prevalence: float | None = None
    cost: float = FIRST_COST
    first: float = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Remember the beginning."""
        self.first = self.threshold

    def move(self, threshold: float, chosen_on: str, *, by_cost: bool = False) -> None:
        """Set point A; outside [0, 1] it is the nearer end."""
        self.threshold = min(1.0, max(0.0, float(threshold)))
        self.chosen_on = chosen_on
        self.follows_cost = by_cost

    def keep(self) -> None:
        """Make point A point B as well."""
        self.other, self.other_chosen_on = self.threshold, self.chosen_on

    def swap(self) -> None:
        """Exchange A and B, each with the images it was chosen on."""
        other, chosen_on = self.other, self.other_chosen_on
        if other is not None:
            self.keep()
            self.move(other, chosen_on)

    def drop(self) -> None:
        """Compare no longer."""
        self.other, self.other_chosen_on = None, ""


Hands = dict[tuple[str, str], Hand]  # by (bundle id, task id)
