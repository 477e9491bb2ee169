"""The secret that a cluster's processes know each other by.

A Spark standalone master runs what it is sent, and a Connect server too: whoever reaches one is the
user that it runs as. With ONESOURCE_SPARK_SECRET_FILE (one line of 32 characters and more) the
master, the workers and the drivers authenticate and encrypt what they say to each other (functions
that are sent may hold keys), and a Connect server answers only callers that know it. The secret
stands in files of mode 600, never on a command line.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from onesource.errors import OneSourceError

VARIABLE = "ONESOURCE_SPARK_SECRET_FILE"
_SHORTEST = 32


def read_secret() -> str | None:
    """The secret, or None where none is set.

    Raises OneSourceError when the file cannot be read or is too short to be one.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    try:
        secret = Path(name).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise OneSourceError(
            f"the cluster's secret {name} cannot be read",
            why=type(e).__name__,
            todo=f"let {VARIABLE} name a file that this user can read",
        ) from None
    if len(secret) < _SHORTEST or len(secret.split()) != 1:
        raise OneSourceError(
            f"the cluster's secret {name} is no secret",
            why=f"it must be one line of at least {_SHORTEST} ASCII characters without spaces",
            todo="make one: setup/make-secrets.sh",
        )
    return secret


def cluster_secret(master: str) -> str | None:
    """The secret, where the master is a standalone cluster's."""
    return read_secret() if master.startswith("spark://") else None


def authentication(secret: str) -> dict[str, str]:
    """Spark's settings for processes that know the secret."""
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.network.crypto.enabled": "true",
        # Shuffle files and spills lie on the workers' disks while a job runs.
        "spark.io.encryption.enabled": "true",
    }


def write_properties(path: Path, settings: Mapping[str, str]) -> None:
    """Replaces a Java properties file that only this user can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
        for key, value in settings.items():
            escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
            f.write(f"{key}={escaped}\n")
    part.replace(path)


def private_conf(secret: str) -> Path:
    """A folder of Spark settings with the secret, gone when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="onesource-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_properties(folder / "spark-defaults.conf", authentication(secret))
    return folder
