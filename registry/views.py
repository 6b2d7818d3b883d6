"""How the register and the ratio look in a terminal, and as JSON. Times are shown in Asia/Shanghai."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry.days import SHANGHAI, day_of
from registry.listing import Details, Listed
from registry.measuring import Measurement, Snapshot
from registry.plan import milestone, units_missing
from registry.ratio import DEFINITION_VERSION, Denominator, Evidence, Figures, Reason, figures, figures_by_village
from signals.gb26875.addresses import number_of

ABSENT = "–"
PLAIN_WIDTH = 240
"""Characters of a line where the output is no terminal, so that nothing is folded or cut."""

REASONS = {
    Reason.CONNECTED: "connected",
    Reason.LAPSED: "lapsed: silent for too long",
    Reason.NEVER_HEARD: "accepted, but never heard",
    Reason.NOT_ACCEPTED: "not accepted",
    Reason.WITHDRAWN: "withdrawn",
    Reason.NO_TRANSMITTER: "no transmitter",
}


def console() -> Console:
    """Standard output."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def plain(value: Any) -> dict[str, Any]:
    """A record as JSON takes it."""
    return asdict(value)


def as_json(value: Any) -> str:
    """JSON for programs: instants in UTC, days as they are."""
    return json.dumps(value, default=str, ensure_ascii=False, indent=1)


def table(headings: Iterable[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """Rows under headings; a cell that is None is shown as a dash."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> Text:
    # Text, not str: a name may hold square brackets, which rich would read as markup.
    if value is None or value == "":
        return Text(ABSENT)
    if isinstance(value, datetime):
        return Text(f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text(str(value))


def percent(ratio: float | None) -> str:
    """A ratio for people."""
    return ABSENT if ratio is None else f"{ratio:.1%}"


def ratio_rows(measured: Measurement, *, village_id: str | None) -> list[dict[str, Any]]:
    """Figures by village and denominator, the township last (`village_id` null)."""
    target = milestone(measured.moment.on)
    rows: list[dict[str, Any]] = []
    for denominator in Denominator:
        villages = figures_by_village(measured.evidence, villages=measured.villages, denominator=denominator)
        counted: list[tuple[str | None, Figures]] = [pair for pair in sorted(villages.items()) if village_id in {None, pair[0]}]
        if village_id is None:
            counted.append((None, figures(measured.evidence, denominator=denominator)))
        for village, found in counted:
            missing = units_missing(units=found.units, connected=found.connected, percent=target.percent)
            row = {"village_id": village, "village": measured.villages.get(village or "", None), "denominator": str(denominator)}
            rows.append(row | asdict(found) | {"ratio": found.ratio, "target": target.percent / 100, "units_missing": missing})
    return rows


def measurement_json(measured: Measurement, *, village_id: str | None) -> dict[str, Any]:
    """The figures and what they rest on."""
    target = milestone(measured.moment.on)
    return {
        "on": measured.moment.on,
        "at": measured.moment.at,
        "definition_version": DEFINITION_VERSION,
        "lapse_days": measured.moment.lapse_days,
        "target_ratio": target.percent / 100,
        "target_due_on": target.due_on,
        "listening_since": measured.listening_since,
        "figures": ratio_rows(measured, village_id=village_id),
    }


def show_measurement(measured: Measurement, *, village_id: str | None) -> None:
    """Print the figures."""
    target = milestone(measured.moment.on)
    out = console()
    on, lapse = measured.moment.on, measured.moment.lapse_days
    out.print(f"Connection ratio on {on} (definition {DEFINITION_VERSION}, lapse after {lapse} silent days)")
    out.print(f"Target: {target.percent} % by the end of {target.due_on}")
    rows = [
        (
            row["village"] or "whole township",
            "all" if row["denominator"] == Denominator.ALL else "with control room",
            row["units"],
            row["connected"],
            row["online"],
            percent(row["ratio"]),
            row["units_missing"],
        )
        for row in ratio_rows(measured, village_id=village_id)
    ]
    out.print(table(["village", "key units", "number", "connected", "online", "ratio", "missing to target"], rows))
    if measured.listening_since is None or on < day_of(measured.listening_since):
        out.print("The centre was not listening yet on that day: the figures rest on the dates of acceptance alone.")


def show_units(evidence: Sequence[Evidence], *, measured: Measurement) -> None:
    """Print why each unit counts or does not."""
    rows = [
        (
            measured.villages.get(one.village_id, one.village_id),
            one.key_unit_id,
            measured.unit_names.get(one.key_unit_id),
            one.has_control_room,
            REASONS[one.reason],
            one.online,
            one.transmitter_id,
            one.last_heard_at,
        )
        for one in evidence
    ]
    headings = ["village", "id", "key unit", "control room", "state", "online", "transmitter", "last heard"]
    console().print(table(headings, rows, title=f"{len(rows)} key units on {measured.moment.on}"))


def show_snapshots(found: Iterable[Snapshot]) -> None:
    """Print stored snapshots of the township."""
    rows = []
    for one in found:
        everybody, rooms = (figures(one.evidence, denominator=denominator) for denominator in Denominator)
        counted = (
            everybody.units,
            everybody.connected,
            percent(everybody.ratio),
            rooms.units,
            rooms.connected,
            percent(rooms.ratio),
        )
        rows.append((one.on_date, one.occasion, one.taken_at, one.definition_version, one.lapse_days, *counted))
    rooms_headings = ["with control room", "connected", "ratio"]
    headings = ["day", "occasion", "taken", "definition", "lapse days", "key units", "connected", "ratio", *rooms_headings]
    console().print(table(headings, rows))


def show_listing(found: Iterable[Listed]) -> None:
    """Print transmitters, a line each."""
    headings = ["transmitter", "class", "village", "key unit", "accepted", "withdrawn", "wire", "last heard"]
    headings += ["address", "network", "profile"]
    rows = [
        (
            one.transmitter_id,
            one.transmitter_class,
            one.village,
            one.key_unit,
            one.accepted_on,
            one.withdrawn_on,
            one.wire,
            one.last_heard_at,
            one.address and f"{one.address} ({number_of(one.address)})",
            one.source_network,
            one.profile,
        )
        for one in found
    ]
    console().print(table(headings, rows))


def show_details(found: Details) -> None:
    """Print one transmitter."""
    out = console()
    facts: dict[str, date | datetime | str | float | None] = asdict(found.transmitter)
    out.print(table(["", ""], [(name.replace("_", " "), value) for name, value in facts.items()]))
    if found.points:
        rows = [
            (one.point, one.name, one.place, one.zone, one.facility or None, one.limits or None, one.registered)
            for one in found.points
        ]
        out.print(table(["point", "name", "place", "zone", "facility", "limits", "registered"], rows))
    gaps = [
        (one.message_class, one.boot, f"{one.first_seq} to {one.last_seq}", one.found_at, one.asked_times)
        for one in found.open_gaps
    ]
    out.print(table(["missing", "boot", "seq", "found", "asked"], gaps) if gaps else "No messages are known to be missing.")
