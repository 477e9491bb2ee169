"""One service of Airflow, as a container runs it; the settings are those of `make airflow`.

    .venv-airflow/bin/python setup/airflow_service.py init | api-server | scheduler | dag-processor
        | triggerer

`init` makes Airflow's home (secrets, a password) and its database, then ends; the others become the
service itself. All share one home (ONESOURCE_AIRFLOW_HOME) and one database. AIRFLOW__… that are
set hold. The database is SQLite in the home, unless ONESOURCE_POSTGRES (`user@host:port/database`)
names another; its password is in the file ONESOURCE_POSTGRES_PASSWORD_FILE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))

import airflow_start
from telling import SetupError, say

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def connection() -> str | None:
    """The database's address with its password, or None for SQLite. Raises SetupError."""
    place = os.environ.get("ONESOURCE_POSTGRES")
    if not place:
        return None
    parts = urlsplit(f"//{place}")
    if not (parts.username and parts.hostname and parts.path.strip("/")):
        raise SetupError("ONESOURCE_POSTGRES must be user@host:port/database")
    name = os.environ.get("ONESOURCE_POSTGRES_PASSWORD_FILE") or ""
    try:
        password = Path(name).read_text(encoding="utf-8").strip()
    except OSError as e:
        raise SetupError(
            f"the database's password cannot be read ({type(e).__name__}); let "
            "ONESOURCE_POSTGRES_PASSWORD_FILE name a file that this user can read"
        ) from None
    return (
        f"postgresql+psycopg2://{quote(parts.username, safe='')}:{quote(password, safe='')}"
        f"@{parts.hostname}:{parts.port or 5432}{parts.path}"
    )


def run(service: str) -> None:
    """Makes what all share, or becomes the service."""
    address = connection()
    if address:
        os.environ[CONNECTION] = address
    if service == "init":
        passwords = airflow_start.own_home()
        os.environ.update(airflow_start.settings())
        airflow_start.prepare()
        say(f"Airflow's database is ready; user admin, password in {passwords}")
        return
    if not (airflow_start.home() / "secrets.json").exists():
        raise SetupError(f"no secrets in {airflow_start.home()}; run the service init first")
    command = [str(airflow_start.BIN / "airflow"), *airflow_start.COMPONENTS[service]]
    os.chdir(airflow_start.home())
    os.execve(command[0], command, os.environ | airflow_start.settings())


def main(arguments: list[str]) -> int:
    known = ("init", *airflow_start.COMPONENTS)
    if len(arguments) != 1 or arguments[0] not in known:
        say(f"error: say which service: {', '.join(known)}")
        return 2
    try:
        run(arguments[0])
    except (SetupError, OSError) as e:
        say(f"error: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
