"""Figures of the app: pure functions from domain objects and a palette to plotly figures. No streamlit.

What plotly costs at import is paid by whoever draws: nothing is imported before a figure is asked for by name of its
module, and the pages do that inside functions.
"""
