"""The two Delta jars: from a folder given by hand, or by the Ivy that Spark brings along."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import ssl
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from telling import SetupError, say

# Where systems keep the certificates that they trust.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def wanted(listing: Path) -> list[Jar]:
    """The jars of `jars.txt`."""
    lines = [ln for ln in listing.read_text().splitlines() if ln and not ln.startswith("#")]
    return [Jar(*ln.split()) for ln in lines]


def fetch(jars: Sequence[Jar], cache: Path, java_home: Path, venv: Path) -> None:
    """Puts every jar into `.cache/jars`, checked by its sha256. Raises SetupError."""
    folder = cache / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("ONESOURCE_JARS")
    for jar in jars:
        target = folder / jar.file_name
        if target.is_file() and sha256(target) == jar.sha256:
            continue
        arriving = cache / "arriving"
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir()
        if given:
            _copy(jar, Path(given), arriving)
        else:
            _by_ivy(jar, arriving, cache, java_home, venv)
        got = arriving / jar.file_name
        if sha256(got) != jar.sha256:
            got.unlink()
            raise SetupError(
                f"{jar.file_name} is not the file that is named in setup/jars.txt (its sha256 "
                "differs); a broken download or a changed file: it was thrown away, try again"
            )
        got.replace(target)
        shutil.rmtree(arriving)


def sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _copy(jar: Jar, given: Path, arriving: Path) -> None:
    source = given / jar.file_name
    if not source.is_file():
        raise SetupError(f"the folder ONESOURCE_JARS ({given}) has no {jar.file_name}")
    shutil.copyfile(source, arriving / jar.file_name)


def _by_ivy(jar: Jar, arriving: Path, cache: Path, java_home: Path, venv: Path) -> None:
    """Fetches one jar from Ivy's default repository, with the machine's own certificates first.

    The trust store of a Java from a wheel knows no certificate that this machine's owner added
    (a proxy that looks into connections); the machine's own list does.
    """
    found = sorted(venv.glob("lib/python*/site-packages/pyspark/jars/ivy-*.jar"))
    if not found:
        raise SetupError("pyspark brings no Ivy; remove .venv and run make setup again")
    settings = os.environ.get("ONESOURCE_IVY_SETTINGS")
    arguments = [
        f"-Divy.default.ivy.user.dir={cache / 'ivy'}",
        *_proxy(os.environ),
        "-jar",
        str(found[-1]),
        *(["-settings", settings] if settings else []),
        "-dependency",
        *(jar.group, jar.artifact, jar.version),
        *("-notransitive", "-types", "jar"),
        "-retrieve",
        f"{arriving}/[artifact]-[revision].[ext]",
    ]
    log = cache / "setup-jars.log"
    store = _trust_store(cache)
    trusting = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=JKS"]
    for options in [trusting, []] if store else [[]]:
        with log.open("w") as out:
            subprocess.run(
                [str(java_home / "bin" / "java"), *options, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=600,
                check=False,
            )
        if (arriving / jar.file_name).is_file():
            say(f"  {jar.file_name}")
            return
    raise SetupError(
        f"{jar.file_name} could not be fetched (Ivy's words: {log}); check the network or the "
        "proxy (https_proxy), name a mirror (ONESOURCE_IVY_SETTINGS, an Ivy settings file), or "
        "put the jars of setup/jars.txt into a folder and name it: ONESOURCE_JARS=/folder make …"
    )


def _proxy(env: os._Environ[str] | dict[str, str]) -> list[str]:
    """Java's words for the proxy that the shell names."""
    text = env.get("https_proxy") or env.get("HTTPS_PROXY")
    if not text:
        return []
    parts = urlsplit(text if "//" in text else f"//{text}")
    port = [f"-Dhttps.proxyPort={parts.port}"] if parts.port else []
    return [f"-Dhttps.proxyHost={parts.hostname}", *port] if parts.hostname else []


def _trust_store(cache: Path) -> Path | None:
    """The machine's trusted certificates as a Java key store, or None where none are found."""
    places = [os.environ.get("SSL_CERT_FILE"), *_BUNDLES, ssl.get_default_verify_paths().cafile]
    bundle = next((Path(p) for p in places if p and Path(p).is_file()), None)
    if bundle is None:
        return None
    found = re.findall(
        r"-----BEGIN CERTIFICATE-----\s(.+?)-----END CERTIFICATE-----",
        bundle.read_text(encoding="utf-8", errors="replace"),
        re.DOTALL,
    )
    store = cache / "trust.jks"
    store.write_bytes(java_key_store([base64.b64decode(text) for text in found]))
    return store


def java_key_store(certificates: Sequence[bytes]) -> bytes:
    """A key store (JKS, version 2) of trusted certificates, password `changeit`.

    Written here because a Java from a wheel has no keytool. The closing digest is part of the
    format; nothing is protected by it, the certificates are public.
    """

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for i, der in enumerate(certificates):
        body += struct.pack(">I", 2) + text(f"ca{i}") + struct.pack(">Q", 0)
        body += text("X.509") + struct.pack(">I", len(der)) + der
    seal = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body
    return body + hashlib.sha1(seal, usedforsecurity=False).digest()
