"""A session behind a Spark Connect server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from onesource.errors import OneSourceError
from onesource.spark.network import check_answers
from onesource.spark.secret import read_secret


def attach(builder: SparkSession.Builder, url: str, settings: Mapping[str, str]) -> SparkSession:
    """A session of its own on the server, with these settings.

    Raises OneSourceError when nothing answers there or the server refuses us.
    """
    check_answers(url)
    builder = builder.remote(with_secret(url, read_secret()))
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except PySparkException as e:
        raise OneSourceError(
            f"no session could be had from the Spark Connect server {url.partition('/;')[0]}",
            why=_reason(e),
            todo="check that the server runs and that ONESOURCE_SPARK and "
            "ONESOURCE_SPARK_SECRET_FILE are the server's",
        ) from None


def with_secret(url: str, secret: str | None) -> str:
    """The address with the secret as a parameter; only the client in this process reads it.

    Spark's own `token` makes it speak TLS, or refuse, to any host but `localhost`. In a closed
    network without TLS the header that the server looks for is given as what it is.
    """
    if secret is None:
        return url
    base, _, parameters = url.partition("/;")
    given = [p for p in parameters.split(";") if p]
    if "use_ssl=true" in [p.lower() for p in given]:
        own = f"token={quote(secret, safe='')}"
    else:
        own = f"authorization={quote(f'Bearer {secret}', safe='')}"
    return f"{base.rstrip('/')}/;{';'.join([*given, own])}"


def _reason(error: Exception) -> str:
    # What gRPC says may hold more than its code; none of it is passed on.
    unknown = "UNAUTHENTICATED" in str(error)
    return "it does not know our secret" if unknown else type(error).__name__
