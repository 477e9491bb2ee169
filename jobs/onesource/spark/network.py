"""Where a driver can be reached: on loopback, or by the cluster's workers."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from onesource.errors import OneSourceError

_LOOPBACK = ("localhost", "127.", "[::1]", "::1")
_ANSWER_SECONDS = 10
_PORTS = {"spark": 7077, "sc": 15002}


def is_loopback(master: str) -> bool:
    """Does all of Spark stand on this machine's loopback? (`master`: local[…], spark://…)"""
    if not master.startswith(("spark://", "sc://")):
        return True
    # A standalone cluster may name several masters: spark://a:7077,b:7077.
    hosts = urlsplit(master).netloc.split(",")
    return all(h.startswith(_LOOPBACK) for h in hosts)


def check_answers(url: str) -> None:
    """Spark itself asks for minutes when nobody answers: this says so at once.

    One of several masters is enough. Raises OneSourceError.
    """
    kind, _, rest = url.partition("://")
    addresses = rest.partition("/")[0].split(",")
    for address in addresses:
        parts = urlsplit(f"//{address}")
        try:
            place = (parts.hostname or "", parts.port or _PORTS[kind])
            socket.create_connection(place, _ANSWER_SECONDS).close()
            return
        except (OSError, ValueError):
            continue
    raise OneSourceError(
        f"nothing answers at {kind}://{','.join(addresses)}",
        why="no Spark is there, or the network does not let us through",
        todo="start it (setup/spark_cluster.py, docker compose), or set ONESOURCE_SPARK",
    )


def driver_network(master: str) -> dict[str, str]:
    """The address that the executors call, and the one to listen on.

    ONESOURCE_DRIVER_HOST names it where the machine's own name does not resolve for the workers.
    """
    named = os.environ.get("ONESOURCE_DRIVER_HOST")
    if named is None and is_loopback(master):
        return {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    host = named or socket.gethostname()
    listen = host if host.startswith(_LOOPBACK) else "0.0.0.0"
    return {"spark.driver.host": host, "spark.driver.bindAddress": listen}
