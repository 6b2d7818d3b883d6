"""The metrics of telemetry, in the order of the columns of the table `telemetry`. A new one is appended."""

METRICS = (
    "temperature_celsius",
    "smoke_obscuration_db_per_m",
    "co_ppm",
    "hydrogen_ppm",
    "gas_lel_ratio",
    "humidity_ratio",
    "residual_current_ma",
    "cable_temperature_celsius",
    "voltage_volts",
    "current_amperes",
    "power_watts",
    "water_pressure_mpa",
    "water_level_m",
    "flow_l_per_s",
    "tilt_degrees",
    "battery_volts",
    "battery_ratio",
    "rssi_dbm",
    "rsrp_dbm",
    "sinr_db",
)

METRIC_INDEX = {name: index for index, name in enumerate(METRICS)}

VALUES_MAXIMUM = 24
"""Values in one telemetry object (MQTT profile v1)."""
