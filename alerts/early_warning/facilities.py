"""What is followed besides fire: water, wiring, batteries, links and the sensors themselves. Every figure with its reason."""

from collections.abc import Mapping

from alerts.early_warning.band import Band
from alerts.early_warning.bounds import Bounds
from alerts.early_warning.course import Course
from alerts.early_warning.findings import Detector
from alerts.early_warning.refill import Refill
from alerts.early_warning.stuck import Stuck
from signals.kinds import Kind


def _link(words: str, *, unit: str, limit: float) -> Mapping[str, Detector]:
    """A device's radio link, on its way to be lost."""
    course = Course(
        KIND=Kind.UPKEEP_DUE,
        words=words,
        unit=unit,
        decimals=0,
        rises=False,
        limit=limit,
        # A lorry before the antenna takes 6 dB for an hour.
        by_room=False,
        noise=1.5,
        least=6.0,
        watch_days=30.0,
        warning_days=14.0,
    )
    return {"course": course}


DETECTORS: Mapping[str, Mapping[str, Detector]] = {
    "temperature_celsius": {
        # No place in China is colder, and common sensors say -127 °C when they are not there. Upwards everything may be a fire.
        "bounds": Bounds(words="temperature", unit="°C", decimals=1, lowest=-55.0),
        "stuck": Stuck(words="temperature", unit="°C", decimals=1),
    },
    "smoke_obscuration_db_per_m": {
        # Noise of a poor chamber and a zero that was set wrong reach below 0, but not so far.
        "bounds": Bounds(words="smoke", unit="dB/m", decimals=3, lowest=-1.0),
        "stuck": Stuck(words="smoke", unit="dB/m", decimals=3),
        "dust": Course(
            KIND=Kind.UPKEEP_DUE,
            words="smoke in clean air",
            unit="dB/m",
            decimals=3,
            rises=True,
            baseline=True,
            # Two thirds of its alarm's threshold: some haze on so much dust is a false alarm.
            limit=0.1,
            # Humidity and the chamber's own temperature.
            noise=0.001,
            # Neither weather nor use reaches the calmest reading of a day.
            correlated_days=1.0,
            least=0.008,
            # Cleaning is ordered by the month.
            watch_days=60.0,
            warning_days=40.0,
            standing=0.01,
            remark=" (dust: clean the chamber)",
        ),
    },
    "co_ppm": {
        "bounds": Bounds(words="carbon monoxide", unit="ppm", decimals=1, lowest=-50.0),
        # Clean air is 0 for a sensor that shows nothing below it.
        "stuck": Stuck(words="carbon monoxide", unit="ppm", decimals=1, rests_at=0.0),
        "zero": Course(
            KIND=Kind.SENSOR_SUSPECT,
            words="carbon monoxide in clean air",
            unit="ppm",
            decimals=1,
            rises=True,
            baseline=True,
            # A third of the threshold: an electrochemical cell whose zero is so far off is due for replacement.
            limit=20.0,
            noise=0.5,
            least=3.0,
            watch_days=30.0,
            warning_days=14.0,
            standing=2.0,
            remark=" (zero drifts)",
        ),
    },
    "hydrogen_ppm": {"bounds": Bounds(words="hydrogen", unit="ppm", decimals=0, lowest=-50.0)},
    "gas_lel_ratio": {
        "bounds": Bounds(words="combustible gas", unit="of the LEL", decimals=3, lowest=-0.05, highest=1.05),
        "zero": Course(
            KIND=Kind.SENSOR_SUSPECT,
            words="combustible gas in clean air",
            unit="of the LEL",
            decimals=3,
            rises=True,
            baseline=True,
            # As much as the lowest alarm of a household detector (from memory of GB 15322: to be checked before it is cited).
            limit=0.05,
            noise=0.002,
            least=0.01,
            watch_days=30.0,
            warning_days=14.0,
            standing=0.01,
            remark=" (zero drifts)",
        ),
    },
    "humidity_ratio": {
        "bounds": Bounds(words="humidity", unit="", decimals=3, lowest=0.0, highest=1.05),
        "stuck": Stuck(words="humidity", unit="", decimals=3),
    },
    "residual_current_ma": {
        "bounds": Bounds(words="residual current", unit="mA", decimals=0, lowest=-1.0),
        "stuck": Stuck(words="residual current", unit="mA", decimals=1),
        "course": Course(
            KIND=Kind.EARLY_WARNING,
            words="residual current",
            unit="mA",
            decimals=0,
            rises=True,
            # 300…500 mA (GB 50116-2013 9.2.3).
            limit=300.0,
            near=0.9,
            # Rain on outdoor wiring.
            noise=6.0,
            least=30.0,
            # An electrician is found within weeks.
            watch_days=60.0,
            warning_days=30.0,
        ),
    },
    "cable_temperature_celsius": {
        "bounds": Bounds(words="cable temperature", unit="°C", decimals=1, lowest=-55.0),
        "stuck": Stuck(words="cable temperature", unit="°C", decimals=1),
        "course": Course(
            KIND=Kind.EARLY_WARNING,
            words="cable temperature",
            unit="°C",
            decimals=1,
            rises=True,
            # What PVC insulation is made for; detectors are set to 45…140 °C (from memory of GB 14287.3).
            limit=70.0,
            near=0.9,
            # The weather's.
            noise=2.0,
            least=5.0,
            # Copper is slow by itself.
            smooth_seconds=120.0,
            watch_days=21.0,
            warning_days=10.0,
        ),
    },
    "voltage_volts": {"stuck": Stuck(words="voltage", unit="V", decimals=1)},
    "water_pressure_mpa": {
        # No township's network carries so much; the sensor's own zero may lie somewhat below 0.
        "bounds": Bounds(words="water pressure", unit="MPa", decimals=3, lowest=-0.05, highest=4.0),
        "stuck": Stuck(words="water pressure", unit="MPa", decimals=3),
        "band": Band(
            KIND=Kind.FACILITY_FAILING,
            words="water pressure",
            unit="MPa",
            decimals=3,
            falls=True,
            # A draw takes some 0.03 MPa for some minutes; what is slight and lasts is no draw, and may be a pump that is off.
            margins=(0.03, 0.025, 0.01),
        ),
        "refill": Refill(),
        "course": Course(
            KIND=Kind.FACILITY_FAILING,
            words="water pressure",
            unit="MPa",
            decimals=3,
            rises=False,
            # Its own best day tells what it can keep, whatever the building asks for.
            limit_share=0.7,
            noise=0.004,
            least=0.02,
            watch_days=30.0,
            warning_days=14.0,
        ),
        "zero": Course(
            KIND=Kind.SENSOR_SUSPECT,
            words="water pressure",
            unit="MPa",
            decimals=3,
            rises=True,
            # No pump gives so much more than on the calmest day.
            limit_share=1.3,
            noise=0.004,
            least=0.02,
            watch_days=60.0,
            warning_days=30.0,
            remark=" (the sensor's zero may drift, or a regulator fail)",
        ),
    },
    "water_level_m": {
        "bounds": Bounds(words="water level", unit="m", decimals=2, lowest=-0.2),
        "stuck": Stuck(words="water level", unit="m", decimals=2),
        "band": Band(
            KIND=Kind.FACILITY_FAILING,
            words="water level",
            unit="m",
            decimals=2,
            falls=True,
            # Waves while it is filled; a float valve's own travel is some centimetres and known.
            margins=(0.15, 0.08, 0.05),
        ),
        "course": Course(
            KIND=Kind.FACILITY_FAILING,
            words="water level",
            unit="m",
            decimals=2,
            rises=False,
            limit_share=0.7,
            noise=0.04,
            least=0.15,
            watch_days=14.0,
            warning_days=7.0,
        ),
    },
    "battery_volts": {
        "course": Course(
            KIND=Kind.UPKEEP_DUE,
            words="battery",
            unit="V",
            decimals=2,
            rises=False,
            # A lithium cell is empty at about two thirds of its full voltage, a lead battery at five sixths.
            limit_share=0.85,
            # A kelvin of weather is 1.5 mV a cell.
            noise=0.006,
            least=0.02,
            watch_days=90.0,
            warning_days=45.0,
            remark=" (replace it)",
        )
    },
    "battery_ratio": {
        "bounds": Bounds(words="battery", unit="", decimals=2, lowest=0.0, highest=1.05),
        "course": Course(
            KIND=Kind.UPKEEP_DUE,
            words="battery",
            unit="",
            decimals=2,
            rises=False,
            # Below a tenth a device may die with the next cold night.
            limit=0.1,
            noise=0.01,
            least=0.04,
            watch_days=90.0,
            warning_days=45.0,
            remark=" (replace it)",
        ),
    },
    # About where modems lose the link: an estimate.
    "rssi_dbm": _link("signal strength", unit="dBm", limit=-110.0),
    # About where a cell ends for a modem without repetition: an estimate.
    "rsrp_dbm": _link("reference signal power", unit="dBm", limit=-120.0),
    # Some dB above where a modem must repeat itself again and again.
    "sinr_db": _link("signal to noise", unit="dB", limit=-6.0),
}
"""By metric and name. The engine's states are stored under these names: a new one begins anew."""
