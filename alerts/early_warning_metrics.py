"""Metrics of the early-warning service."""

from runtime.metrics import counter, gauge

READINGS = counter("early_warning_readings", "Readings of temperature that the rules were fed.")
RAISED = counter("early_warning_raised", "Early warnings that began.")
LAG = gauge("early_warning_lag_seconds", "Age of the newest batch that was concluded from, when it was.")
POINTS = gauge("early_warning_points", "Points whose temperature is followed.")
