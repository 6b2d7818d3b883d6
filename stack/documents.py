"""`wanghuo documents`: the pages of docs/ that are made from the code, so that they cannot say anything else than it does."""

import importlib
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer
from pydantic.fields import FieldInfo

from runtime.settings import PREFIX, Settings
from stack.markdown import table

FOLDER = Path(__file__).parents[1] / "docs"
ROOMS = ("signals", "runtime", "ingest", "alerts", "registry", "simulator", "stack")
NOTE = "*Made from the code by `wanghuo documents`.*"

KINDS_LEAD = """\
Priority 0 goes before everything else (GB 26875.1-2011 4.1.2.3). *Latching*: only a person closes the alarm. *Self restoring*:
it is closed when its device says over. *Informing*: it raises none. A word that is not here is `unclassified`, and so is a
device's word that only the centre may state.
"""
METRICS_LEAD = """\
Every service shows its own at `/metrics`, beside the usual `process_…` and `python_…`. Labels are kinds of things and villages,
never devices; every label set is there from the start.
"""
SETTINGS_LEAD = """\
From the environment, or from the file `.stack/env` (another one: `WANGHUO_ENVIRONMENT_FILE`). What is missing or wrong is said
all at once, with exit status 2; a variable that is set to nothing is not set.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("documents", hidden=True)(documents)


def documents(
    *,
    check: bool = typer.Option(False, help="Change nothing; exit with 1 where a page is not what it would be."),
    database_url: str = typer.Option("", help="A migrated database, as its superuser. Not said: a private one for this moment."),
) -> None:
    """Write the pages of docs/ that are made from the code."""
    with _database(database_url) as url:
        made = pages(url)
    stale = {
        name: text for name, text in made.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text("utf-8") != text
    }
    for name, text in stale.items():
        if not check:
            (FOLDER / name).parent.mkdir(exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
        typer.echo(f"docs/{name} {'is stale: run `wanghuo documents`' if check else 'written'}")
    raise typer.Exit(1 if check and stale else 0)


def pages(database_url: str) -> dict[str, str]:
    """Every page by name. The database is a migrated one; only its catalogue is read."""
    from alerts.machine_diagram import document as alarm_machine  # noqa: PLC0415
    from stack.early_warning_document import documents as early_warning  # noqa: PLC0415
    from stack.schema_document import schema  # noqa: PLC0415

    _import_everything()
    makers: Mapping[str, Callable[[], str]] = {
        "alarm-machine.md": alarm_machine,
        "kinds.md": kinds,
        "metrics.md": metrics,
        "schema.md": lambda: schema(database_url, note=NOTE),
        "settings.md": settings,
    }
    return {name: make() for name, make in makers.items()} | early_warning(FOLDER)


def kinds() -> str:
    """Every kind and what it asks of us."""
    from alerts.policy import POLICY  # noqa: PLC0415
    from signals.kinds import CENTRE_KINDS, Kind  # noqa: PLC0415

    rows = [
        (
            f"`{kind}`",
            POLICY[kind].english,
            POLICY[kind].chinese,
            "the centre" if kind in CENTRE_KINDS else "a device",
            str(POLICY[kind].priority),
            POLICY[kind].behaviour.replace("_", " "),
            "yes" if POLICY[kind].annunciated else "",
        )
        for kind in Kind
    ]
    head = ("kind", "English", "中文", "stated by", "priority", "behaviour", "sirens")
    return f"# Kinds\n\n{NOTE}\n\n{KINDS_LEAD}\n{table(head, rows)}"


def metrics() -> str:
    """Every metric of every service."""
    from prometheus_client import REGISTRY  # noqa: PLC0415

    rows = sorted(
        (
            f"`{family.name}{'_total' if family.type == 'counter' else ''}`",
            family.type,
            ", ".join(f"`{label}`" for label in sorted(_labels(family))),
            family.documentation,
        )
        for family in REGISTRY.collect()
        if family.name.startswith("wanghuo_")
    )
    return f"# Metrics\n\n{NOTE}\n\n{METRICS_LEAD}\n{table(('name', 'type', 'labels', 'what it is'), rows)}"


def _labels(family: object) -> set[str]:
    shown = {label for sample in getattr(family, "samples", ()) for label in sample.labels}
    return (shown | set(getattr(family, "_labelnames", ()))) - {"le"}


def settings() -> str:
    """Every variable that a service or task reads, and who reads it."""
    readers: dict[str, set[str]] = {}
    about: dict[str, tuple[str, str]] = {}
    for kind in _with_children(Settings):
        for name, field in kind.model_fields.items():
            about[name] = (_default(field), field.description or "")
            readers.setdefault(name, set()).add(kind.__module__.partition(".")[0])
    rows = [(f"`{PREFIX}{name.upper()}`", *about[name], _named(readers[name])) for name in sorted(about)]
    services = table(("variable", "default", "what it is", "read by"), rows)
    set_up = table(("variable", "what it is"), _of_the_set_up())
    return f"# Settings\n\n{NOTE}\n\n{SETTINGS_LEAD}\n{services}\n## Of the set-up\n\n{set_up}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "" if field.default in {None, ""} else f"`{field.default}`"


def _named(rooms: set[str]) -> str:
    return "all" if "runtime" in rooms else ", ".join(sorted(rooms))


def _of_the_set_up() -> Iterator[tuple[str, str]]:
    from sql.migrate import ROLES  # noqa: PLC0415
    from stack.service_accounts import VARIABLES  # noqa: PLC0415

    for role in ROLES:
        yield f"`{role.upper()}_DATABASE_PASSWORD`", f"`wanghuo migrate`: password that the role {role} gets"
    for account, variable in VARIABLES.items():
        yield f"`{variable}`", f"`wanghuo migrate --service-accounts`: password that the broker's user `{account}` gets"


def _with_children(kind: type[Settings]) -> Iterator[type[Settings]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_children(child)


def _import_everything() -> None:
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, prefix=f"{room}."):
            importlib.import_module(module.name)


@contextmanager
def _database(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    from sql.migrate import migrate  # noqa: PLC0415
    from stack.database import Database, DatabaseSettings  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="wanghuo-documents-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Database(DatabaseSettings(folder=folder / "database", changed={"shared_buffers": "32MB"}))
        server.start()
        try:
            migrate(server.superuser_url())
            yield server.superuser_url()
        finally:
            server.stop()
