"""The palette of the viewer's theme, the page's style sheet, and small things drawn as HTML."""

from __future__ import annotations

import re

import streamlit as st

from derm_model import words
from derm_model.palette import DARK, LIGHT, Palette

# All CSS of the app. It leans on a few data-testid names, which the browser tests check.
STYLE = """
.stMainBlockContainer {{ max-width: 1400px; padding-left: 2.5rem; padding-right: 2.5rem; }}
.st-key-head h1 {{ padding: 0; }}
.st-key-head {{ margin-bottom: -.5rem; }}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {{
  color: {muted} !important; opacity: 1 !important; }}
[data-testid="stFileUploaderDropzone"] {{ min-height: 4rem; }}
button:focus-visible, a:focus-visible, summary:focus-visible {{ outline: 3px solid {accent}; outline-offset: 1px; }}
[data-testid^="stBaseButton-primary"]:enabled, [data-testid^="stBaseButton-primary"]:enabled *,
[data-baseweb="tag"], [data-baseweb="tag"] * {{ color: {on_accent} !important; }}
.dermtree-score {{ font-size: .9375rem; }}
.dermtree-score b {{ font-size: 1.5rem; font-variant-numeric: tabular-nums; }}
.dermtree-track {{ position: relative; height: .75rem; border-radius: .375rem; background: {grid};
  margin: .6rem 0 1.7rem; }}
.dermtree-track * {{ position: absolute; }}
.dermtree-above {{ top: 0; bottom: 0; right: 0; background: {tint}; border-radius: 0 .375rem .375rem 0; }}
.dermtree-line {{ top: -.35rem; height: 1.45rem; width: 2px; margin-left: -1px; background: {ink}; }}
.dermtree-dot {{ top: -.2rem; width: 1.15rem; height: 1.15rem; margin-left: -.575rem; border-radius: 50%;
  background: {accent}; border: 2px solid {page}; }}
.dermtree-label {{ top: 1.2rem; font-size: .8125rem; color: {muted}; white-space: nowrap; }}
.dermtree-bars {{ width: 100%; border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }}
.dermtree-bars th, .dermtree-bars td {{ border: 0; padding: .2rem .75rem .2rem 0; vertical-align: middle; }}
.dermtree-bars th {{ width: 45%; text-align: left; font-weight: 400; color: {ink}; overflow-wrap: anywhere; }}
.dermtree-bars td {{ width: 1%; text-align: right; color: {ink}; padding-right: 0; }}
.dermtree-bars .dermtree-bar {{ width: auto; text-align: left; padding-right: .75rem; }}
.dermtree-bar i {{ display: block; height: .625rem; min-width: 2px; border-radius: .3125rem; background: {accent}; }}
.st-key-run_list :is([data-stale="true"], details, summary) {{ opacity: 1 !important; transition: none !important; }}
.dermtree-classes thead th {{ width: 1%; white-space: nowrap; padding: .2rem 0 .2rem .5rem; color: {muted};
  text-align: right; }}
.dermtree-classes thead th:first-child {{ width: auto; text-align: left; padding-left: 0; }}
.dermtree-classes th[scope="row"] {{ width: auto; }}
.dermtree-classes .dermtree-bar {{ width: 30%; padding-right: 0; }}
.dermtree-classes td {{ padding-left: .5rem; }}
.dermtree-classes em {{ color: {muted}; font-style: normal; }}
.st-key-taxonomy_inference {{ overflow-x: auto; }}
.st-key-taxonomy_inference > div {{ min-width: 56rem; }}
[data-testid="stMarkdownContainer"]:has(table) {{ overflow-x: auto; }}
.dermtree-shaded {{ overflow-x: auto; }}
.dermtree-shaded:focus-visible {{ outline: 3px solid {accent}; }}
.dermtree-shaded table {{ border-collapse: separate; border-spacing: 2px; font-size: .8125rem;
  font-variant-numeric: tabular-nums; min-width: 100%; }}
.dermtree-shaded th, .dermtree-shaded td {{ border: 0; padding: .3rem .4rem; color: {ink}; text-align: center;
  min-width: 2.4rem; }}
.dermtree-shaded th {{ font-weight: 400; color: {muted}; }}
.dermtree-shaded tbody th {{ text-align: left; color: {ink}; min-width: 8rem; max-width: 16rem; }}
.dermtree-shaded td {{ border-radius: 3px; }}
@media (max-width: 640px) {{
  .stMainBlockContainer {{ padding-left: 1rem; padding-right: 1rem; }}
  h1 {{ font-size: 1.5rem !important; }}
  [data-testid="stToolbar"] :has(> [data-testid="stMainMenu"]) {{ min-width: 0; }}
  [data-testid="stMarkdownContainer"] :is(th, td) {{ padding: .3rem .5rem !important; }}
}}
@media (prefers-reduced-motion: reduce) {{ * {{ animation: none !important; transition-duration: 1ms !important; }} }}
"""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def palette() -> Palette:
    """Of the theme the browser shows; light where that is not known (the very first run, tests)."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def style_sheet(colours: Palette) -> str:
    """All CSS of the app as one element."""
    tokens = {name: getattr(colours, name) for name in ("ink", "muted", "accent", "on_accent", "grid", "page", "tint")}
    return f"<style>{STYLE.format(**tokens)}</style>"


def plain(text: str) -> str:
    """Text from users or files, safe inside Markdown: shown as it is, and never a link or an image to be fetched."""
    return _MARKDOWN.sub(r"\\\1", text)


def moment(stamp: str) -> str:
    """``2026-11-23 03:58 UTC`` from an ISO 8601 time in UTC."""
    return f"{stamp[:16].replace('T', ' ')} UTC"


def score_line(score: float, threshold: float) -> str:
    """The score on a line with its threshold, as HTML with a text for everyone."""
    shown_score, shown_threshold = words.number(score, threshold), words.number(threshold, score)
    shift = 0 if threshold < 0.15 else 100 if threshold > 0.85 else 50  # a label at the end must not leave the card
    return (
        f'<div class="dermtree-score">Score <b>{shown_score}</b></div>'
        f'<div class="dermtree-track" role="img" aria-label="Score {shown_score}, threshold {shown_threshold}">'
        f'<i class="dermtree-above" style="left:{threshold:.2%}"></i>'
        f'<i class="dermtree-line" style="left:{threshold:.2%}"></i>'
        f'<i class="dermtree-dot" style="left:{score:.2%}"></i>'
        f'<span class="dermtree-label" style="left:{threshold:.2%};transform:translateX(-{shift}%)">'
        f"threshold {shown_threshold}</span></div>"
    )
