"""Metrics of the early-warning service."""

from runtime.metrics import counter, gauge

READINGS = counter("early_warning_readings", "Values that the engine was fed.")
RAISED = counter("early_warning_raised", "Warnings that began.")
WATCHES = counter("early_warning_watches", "Watches that began: not enough for a warning.")
LAG = gauge("early_warning_lag_seconds", "Age of the newest batch that the engine was fed, when it was; 0 while there is none.")
POINTS = gauge("early_warning_points", "Points that are followed.")
SERVED = gauge(
    "early_warning_served_ratio", "Share of the accepted transmitters of which a point reports at least every ten minutes."
)
BYTES = gauge("early_warning_state_bytes", "Memory of what is remembered of all points.")
NUISANCE_UNITS = gauge("early_warning_nuisance_units", "Key units with more than 5 verified false alarms today.")
