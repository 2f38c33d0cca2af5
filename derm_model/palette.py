"""Colours and marks of charts and page, and what they mean. `.streamlit/config.toml` holds the same values.

Red against green is unreadable for many, so benign is blue, and every role has a mark of its own: colour is never the
only carrier of a meaning. Any two role colours are at least 14 CIEDE2000 apart, also for simulated protan, deutan and
tritan sight (Machado 2009, severity 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a node means to a reader; the value is the word spoken beside the mark."""

    MALIGNANT = "malignant or premalignant"
    MELANOMA = "melanoma"
    BENIGN = "benign"
    NON_NEOPLASTIC = "non-neoplastic or either"
    UNRESOLVED = "not resolved"
    ALL = "all diagnoses"


MARKS: Mapping[Role, str] = {
    Role.MALIGNANT: "▲",
    Role.MELANOMA: "◆",
    Role.BENIGN: "●",
    Role.NON_NEOPLASTIC: "■",
    Role.UNRESOLVED: "○",
    Role.ALL: "·",
}

# Streamlit's theme variable that carries the role's colour (config.toml), for components that follow the theme alone.
THEME_VARIABLES: Mapping[Role, str] = {
    Role.MALIGNANT: "--st-red-color",
    Role.MELANOMA: "--st-text-color",
    Role.BENIGN: "--st-blue-color",
    Role.NON_NEOPLASTIC: "--st-orange-color",
    Role.UNRESOLVED: "--st-gray-color",
    Role.ALL: "--st-border-color",
}


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as #RRGGBB; `tint` is the accent as a translucent CSS colour."""

    name: str
    page: str
    panel: str
    ink: str
    muted: str
    accent: str
    on_accent: str
    border: str
    grid: str
    tint: str
    roles: Mapping[Role, str]


LIGHT = Palette(
    name="light",
    page="#FFFFFF",
    panel="#F4F7F9",
    ink="#17222B",
    muted="#52606D",
    accent="#0B6B70",
    on_accent="#FFFFFF",
    border="#CBD5DC",
    grid="#E1E8ED",
    tint="rgba(11,107,112,.14)",
    roles={
        Role.MALIGNANT: "#A93C26",
        Role.MELANOMA: "#111A21",
        Role.BENIGN: "#1C73AD",
        Role.NON_NEOPLASTIC: "#BE7A10",
        Role.UNRESOLVED: "#6B767F",
        Role.ALL: "#E1E8ED",
    },
)

DARK = Palette(
    name="dark",
    page="#11181E",
    panel="#1A232B",
    ink="#E6ECF0",
    muted="#A3B0BB",
    accent="#4FC0BD",
    on_accent="#0B1418",
    border="#394854",
    grid="#2A3640",
    tint="rgba(79,192,189,.18)",
    roles={
        Role.MALIGNANT: "#E2694F",
        Role.MELANOMA: "#F2F5F7",
        Role.BENIGN: "#4DA8EE",
        Role.NON_NEOPLASTIC: "#F7C955",
        Role.UNRESOLVED: "#7F8B95",
        Role.ALL: "#2A3640",
    },
)


def luminance(colour: str) -> float:
    """Relative luminance of a #RRGGBB colour, 0 to 1 (WCAG 2.2)."""
    linear = []
    for position in (1, 3, 5):
        channel = int(colour[position : position + 2], 16) / 255
        linear.append(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two #RRGGBB colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(fill: str) -> str:
    """White or near-black, whichever contrasts more with `fill`."""
    return max(("#FFFFFF", "#11181E"), key=lambda text: contrast(text, fill))
