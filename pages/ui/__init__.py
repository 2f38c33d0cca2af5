"""Streamlit parts that the pages share. Streamlit never takes a module in here for a page."""
