"""Who may sign in to the broker: credentials given, changed and taken away, and proven with the broker each time.

Devices that speak GB/T 26875.3 have none: `registry.addressing` enrols them by their address.

There is no transaction over the password file and the database. So every step may be run again and ends the same, and the register
says that a transmitter is enrolled, or no longer, only after the broker has proven it.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row

from registry.days import day_of
from registry.ratio import TransmitterClass
from registry.session import LOCK_KEY
from registry.settings import EnrolmentSettings
from registry.sign_in import wait_until_accepted
from runtime.broker_accounts import BrokerAccount
from runtime.broker_passwords import remove, set_password, set_passwords
from runtime.database import Connection
from runtime.errors import WanghuoError
from signals.topics import is_identifier
from sql.queries import load

PASSWORD_BYTES = 24

_SQL = load("registry")


class EnrolmentError(WanghuoError):
    """The transmitter cannot be enrolled, or what is asked does not fit the register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransmitter:
    """What is known of a transmitter at its enrolment; None: not said."""

    transmitter_id: str
    key_unit_id: str | None = None
    village_id: str | None = None
    transmitter_class: TransmitterClass | None = None
    accepted_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where somebody enrols: the register, the broker, and the clock."""

    connection: Connection
    settings: EnrolmentSettings
    now: Callable[[], datetime]

    async def wait_until_accepted(self, user: str, *, password: str) -> None:
        """See `registry.sign_in`."""
        within_seconds = self.settings.enrolment_timeout_seconds
        await wait_until_accepted(self.settings, user, password=password, within_seconds=within_seconds)


def new_password() -> str:
    """A random password of `[A-Za-z0-9_-]`."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


async def register(desk: Desk, wanted: NewTransmitter) -> None:
    """Write a transmitter into the register where it is not in it, in one transaction.

    Raises:
        EnrolmentError: what is said contradicts the register or is not enough for a new transmitter; it is enrolled already; it was
            withdrawn.
    """
    async with desk.connection.transaction():
        known = await record(desk.connection, wanted, today=day_of(desk.now()))
    if known is not None and known["address"] is not None:
        raise EnrolmentError(_by_address(known))
    if known is not None and known["enrolled_at"] is not None:
        transmitter_id = wanted.transmitter_id
        raise EnrolmentError(
            f"{transmitter_id} is enrolled already; `wanghuo registry rotate {transmitter_id}` gives it a new password"
        )


async def record(connection: Connection, wanted: NewTransmitter, *, today: date) -> dict[str, Any] | None:
    """Write a transmitter into the register where it is not in it; the caller's transaction locks the register until its end.

    Returns:
        What was known of it before: its row, with `address`, `source_network` and `profile` where it speaks GB/T 26875.3.

    Raises:
        EnrolmentError: what is said contradicts the register or is not enough for a new transmitter; it was withdrawn.
    """
    transmitter_id = wanted.transmitter_id
    if not is_identifier(transmitter_id):
        raise EnrolmentError(f"{transmitter_id!r} cannot be an id: 1 to 64 of the characters A-Z a-z 0-9 _ - are allowed")
    await connection.execute(_SQL["lock_register"], {"key": LOCK_KEY})
    known = await _known(connection, transmitter_id)
    if known is None:
        await _add(connection, wanted)
        return None
    _refuse_contradiction(known, wanted)
    if wanted.accepted_on is not None:
        await accept(connection, transmitter_id, on=wanted.accepted_on)
    if known["withdrawn_on"] is not None and known["withdrawn_on"] <= today:
        raise EnrolmentError(f"{transmitter_id} was withdrawn on {known['withdrawn_on']}: give the device a new id")
    return known


async def admit(desk: Desk, passwords: Mapping[str, str]) -> None:
    """Let transmitters of the register sign in with these passwords (by id); return when the broker takes them.

    The file is written once for all; each is tried. It may be run again after an error, with other passwords too. A device that is
    connected with an earlier password is disconnected by the broker.

    Raises:
        BrokerRefused, BrokerAway: the passwords are written, but the broker did not take them in time; `enrolled_at` is not set.
        PasswordFileError: nothing was written.
    """
    if not passwords:
        return
    await asyncio.to_thread(set_passwords, desk.settings.broker_password_file, passwords)
    for transmitter_id, password in passwords.items():
        await desk.wait_until_accepted(transmitter_id, password=password)
    await desk.connection.execute(_SQL["mark_enrolled"], {"transmitter_ids": list(passwords), "at": desk.now()})


async def accept(connection: Connection, transmitter_id: str, *, on: date) -> None:
    """Write down the day on which a transmitter was accepted on site; once written, only an import corrects it.

    Raises:
        EnrolmentError: it is not in the register, was accepted on another day, or withdrawn before.
    """
    known = await _require_known(connection, transmitter_id)
    if known["accepted_on"] not in {None, on}:
        raise EnrolmentError(f"{transmitter_id} was accepted on {known['accepted_on']}; correct it by an import")
    if known["withdrawn_on"] is not None and known["withdrawn_on"] < on:
        raise EnrolmentError(f"{transmitter_id} was withdrawn on {known['withdrawn_on']}, before {on}")
    await connection.execute(_SQL["accept"], {"transmitter_id": transmitter_id, "on_date": on})


async def waiting(desk: Desk) -> list[str]:
    """Transmitters of the register that are not withdrawn and have no credentials yet."""
    cursor = await desk.connection.execute(_SQL["to_enrol"], {"on_date": day_of(desk.now())})
    return [str(row[0]) for row in await cursor.fetchall()]


async def require_enrolled(desk: Desk, transmitter_id: str) -> None:
    """Refuse a transmitter that has no credentials.

    Raises:
        EnrolmentError: it is not in the register, not enrolled, or enrolled by its address.
    """
    known = await _require_known(desk.connection, transmitter_id)
    if known["address"] is not None:
        raise EnrolmentError(_by_address(known))
    if known["enrolled_at"] is None:
        raise EnrolmentError(
            f"{transmitter_id} is not enrolled; `wanghuo registry enrol {transmitter_id}` gives it its first password"
        )


async def revoke(desk: Desk, transmitter_ids: Sequence[str]) -> None:
    """Take away what lets transmitters in, credentials and address; return when the broker refuses them. Repeatable.

    Connections to the broker end; frames of the address are unknown from then on.

    Raises:
        BrokerRefused, BrokerAway: the credentials are out of the file, but the broker has not read it in time.
    """
    for transmitter_id in transmitter_ids:
        await _require_known(desk.connection, transmitter_id)
    await desk.connection.execute(_SQL["remove_gb26875_devices"], {"transmitter_ids": list(transmitter_ids)})
    await bar(desk, transmitter_ids)
    await desk.connection.execute(_SQL["mark_enrolled"], {"transmitter_ids": list(transmitter_ids), "at": None})


async def bar(desk: Desk, transmitter_ids: Sequence[str]) -> None:
    """Take transmitters' credentials at the broker away; return when it refuses them. The register is left as it is. Repeatable.

    Raises:
        BrokerRefused, BrokerAway: see `revoke`.
    """
    path = desk.settings.broker_password_file
    # The password taken away is not known here and cannot be tried: a user added after it proves that the file was read since.
    witness, password = f"{BrokerAccount.ENROLMENT}.{secrets.token_hex(8)}", new_password()
    await asyncio.to_thread(remove, path, transmitter_ids)
    await asyncio.to_thread(set_password, path, witness, password=password)
    try:
        await desk.wait_until_accepted(witness, password=password)
    finally:
        with suppress(WanghuoError):
            remove(path, [witness])


async def withdraw(desk: Desk, transmitter_id: str, *, on: date) -> None:
    """Take a transmitter out of the count from a day on, and what lets it in away at once. Repeatable; an earlier day stays.

    Raises:
        EnrolmentError: it is not in the register, was accepted after that day, or the day is still to come.
        BrokerRefused, BrokerAway: see `revoke`; the register has the day already.
    """
    known = await _require_known(desk.connection, transmitter_id)
    today = day_of(desk.now())
    if on > today:
        raise EnrolmentError(
            f"{transmitter_id} cannot be withdrawn on {on}, which is after today, {today}: it would fall silent at once"
        )
    if known["accepted_on"] is not None and on < known["accepted_on"]:
        raise EnrolmentError(f"{transmitter_id} was accepted on {known['accepted_on']} and cannot be withdrawn before, on {on}")
    await desk.connection.execute(_SQL["withdraw"], {"transmitter_id": transmitter_id, "on_date": on})
    await revoke(desk, [transmitter_id])


async def _known(connection: Connection, transmitter_id: str) -> dict[str, Any] | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["transmitter"], {"transmitter_id": transmitter_id})
        return await cursor.fetchone()


async def _require_known(connection: Connection, transmitter_id: str) -> dict[str, Any]:
    known = await _known(connection, transmitter_id)
    if known is None:
        raise EnrolmentError(f"{transmitter_id!r} is not in the register")
    return known


def _by_address(known: Mapping[str, Any]) -> str:
    name = known["transmitter_id"]
    return (
        f"{name} speaks GB/T 26875.3 and has no password; to let it change to MQTT: `wanghuo registry revoke {name}`, then"
        f" `wanghuo registry enrol {name}`"
    )


def _refuse_contradiction(known: Mapping[str, Any], wanted: NewTransmitter) -> None:
    said = {"key_unit_id": wanted.key_unit_id, "village_id": wanted.village_id, "class": wanted.transmitter_class}
    for column, value in said.items():
        if value is not None and known[column] != value:
            has = f"the register has {column} = {known[column]} for {wanted.transmitter_id}"
            raise EnrolmentError(f"{has}, not {value}: correct it by an import first")


async def _add(connection: Connection, wanted: NewTransmitter) -> None:
    if wanted.transmitter_class is None:
        raise EnrolmentError(f"{wanted.transmitter_id} is not in the register: say its class, and its key unit or village")
    village_id = wanted.village_id
    if wanted.key_unit_id is not None:
        village_id = await _village_of(connection, wanted.key_unit_id)
        if wanted.village_id not in {None, village_id}:
            raise EnrolmentError(f"key unit {wanted.key_unit_id} stands in {village_id}, not in {wanted.village_id}")
    if village_id is None:
        raise EnrolmentError(f"{wanted.transmitter_id} is not in the register: say its key unit or village")
    row = {
        "transmitter_id": wanted.transmitter_id,
        "key_unit_id": wanted.key_unit_id,
        "village_id": village_id,
        "class": wanted.transmitter_class,
        **dict.fromkeys(("name", "place", "path"), ""),
        **dict.fromkeys(("contracted_on", "installed_on", "withdrawn_on")),
        "accepted_on": wanted.accepted_on,
    }
    try:
        await connection.execute(_SQL["put_transmitter"], row)
    except ForeignKeyViolation:
        raise EnrolmentError(f"there is no village {village_id} in the register") from None


async def _village_of(connection: Connection, key_unit_id: str) -> str:
    cursor = await connection.execute(_SQL["village_of_unit"], {"key_unit_id": key_unit_id})
    row = await cursor.fetchone()
    if row is None:
        raise EnrolmentError(f"there is no key unit {key_unit_id} in the register")
    return str(row[0])
