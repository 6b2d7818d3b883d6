"""The broker accounts of the services, written from the environment: the set-up's own step, before the migration."""

import os
from pathlib import Path

from runtime.broker_accounts import BrokerAccount
from runtime.broker_passwords import set_passwords
from runtime.errors import ConfigurationError
from runtime.settings import PREFIX
from sql.migrate import URL

VARIABLES = {
    BrokerAccount.INGEST: f"{PREFIX}INGEST_BROKER_PASSWORD",
    BrokerAccount.SIRENS: f"{PREFIX}SIREN_BROKER_PASSWORD",
    BrokerAccount.ALERTS: f"{PREFIX}ALERTS_BROKER_PASSWORD",
    BrokerAccount.ENROLMENT: f"{PREFIX}ENROLMENT_BROKER_PASSWORD",
}
PASSWORD_FILE = f"{PREFIX}BROKER_PASSWORD_FILE"


def write_service_accounts() -> None:
    """Write the accounts of `VARIABLES` into the broker's password file; transmitters' accounts in it are kept.

    Raises:
        ConfigurationError: names every variable that is not set, the migration's too; nothing was written.
    """
    missing = [name for name in (URL, PASSWORD_FILE, *VARIABLES.values()) if not os.environ.get(name)]
    if missing:
        raise ConfigurationError("the configuration is incomplete:\n" + "\n".join(f"  {name} is not set" for name in missing))
    path = Path(os.environ[PASSWORD_FILE])
    if not path.exists():
        path.touch(mode=0o640)
    set_passwords(path, {str(account): os.environ[variable] for account, variable in VARIABLES.items()})
