"""What the fire kernel knows of each quantity: how it moves in an ordinary room, and what a fire makes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity that a fire raises. All values in `unit`, rates in `step_unit` a minute.

    Attributes:
        metric: of the MQTT profile.
        fast_rate: an ordinary room does not keep to this for half a minute: a slower rise counts as nothing, however far it goes.
        fast_rise: so much more than that is a fire's.
        slow_rate: an ordinary day does not keep to this for half an hour.
        slow_rise: so much more than that is a fire's that grows slowly.
        noise: never taken to be less.
        threshold: of the fixed alarm; a reading above it needs no history.
        decimals: of the unit, in words.
    """

    metric: str
    words: str
    unit: str
    step_unit: str
    fast_rate: float
    fast_rise: float
    slow_rate: float
    slow_rise: float
    noise: float
    threshold: float
    decimals: int


TEMPERATURE = Quantity(
    metric="temperature_celsius",
    words="temperature",
    unit="°C",
    step_unit="K",
    # A 2 kW heater warms the ceiling of a room by about 1 K/min; class R detectors must respond to 10 K/min (EN 54-5).
    fast_rate=1.5,
    # People, doors and draughts move the air under a ceiling by some tenths of a kelvin.
    fast_rise=0.6,
    # Cooking or a heater warms a ceiling by 0.5…1 K/min for ten minutes; the ambient office gains 2.3 K in its fastest hour.
    slow_rate=0.5,
    # Cooking and a heater at once gain some 4 K beyond that.
    slow_rise=6.0,
    # Half a step of a common sensor.
    noise=0.05,
    # Within class A1's static response of 54–65 °C (EN 54-5).
    threshold=58.0,
    decimals=1,
)
SMOKE = Quantity(
    metric="smoke_obscuration_db_per_m",
    words="smoke",
    unit="dB/m",
    step_unit="dB/m",
    # A kitchen's haze builds up over minutes, smoke of a fire within one.
    fast_rate=0.02,
    # A fifth of the fixed threshold: dust and a cigarette across the room stay below.
    fast_rise=0.03,
    # Haze of cooking comes faster and goes again; dust takes weeks.
    slow_rate=0.001,
    # Twice the haze of a kitchen, and less than half of the fixed threshold.
    slow_rise=0.06,
    # What a chamber flickers by, and its steps.
    noise=0.003,
    # Point detectors of EN 54-7 respond between 0.05 and 0.7 dB/m.
    threshold=0.15,
    decimals=3,
)
CARBON_MONOXIDE = Quantity(
    metric="co_ppm",
    words="carbon monoxide",
    unit="ppm",
    step_unit="ppm",
    # A gas cooker gives some ppm within ten minutes.
    fast_rate=3.0,
    # A tenth of the fixed threshold: a burner that is lit, a car in the yard.
    fast_rise=6.0,
    # Traffic and cookers move a room by some ppm an hour.
    slow_rate=0.15,
    # A third of the fixed threshold.
    slow_rise=20.0,
    # Electrochemical cells read in steps of 0.5 or 1 ppm.
    noise=0.5,
    # Fire detectors by CO respond to some tens of ppm (EN 54-26); people are in danger above it, whatever it comes from.
    threshold=60.0,
    decimals=1,
)
HYDROGEN = Quantity(
    metric="hydrogen_ppm",
    words="hydrogen",
    unit="ppm",
    step_unit="ppm",
    # Lead batteries gas slowly while they are charged; a lithium cell that vents gives hundreds of ppm within a minute.
    fast_rate=10.0,
    # Some steps of a common sensor (5 ppm).
    fast_rise=20.0,
    # A whole charge gives some tens of ppm in an hour.
    slow_rate=1.0,
    # A quarter of the fixed threshold.
    slow_rise=100.0,
    # Half a step of a common sensor.
    noise=2.0,
    # A hundredth of the lower explosive limit of 4 %.
    threshold=400.0,
    decimals=0,
)
QUANTITIES = (TEMPERATURE, SMOKE, CARBON_MONOXIDE, HYDROGEN)
"""Temperature is measured against fires; the figures of the others are engineering estimates until there is data for them."""
