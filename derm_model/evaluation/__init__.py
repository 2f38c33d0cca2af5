"""Statistics of predictions: operating curves, metrics with intervals, calibration. No torch here.

Undefined is never 0: a statistic the images cannot answer is None, a malformed input is a ValueError.
"""
