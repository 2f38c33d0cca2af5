"""Statistics of predictions: curves, metrics with intervals, comparisons, calibration, decisions. No torch here.

Undefined is never 0: a statistic the images cannot answer is None, a malformed input is a ValueError.
"""
