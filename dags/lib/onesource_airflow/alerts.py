"""Tells people what they must know, at the places that ONESOURCE_ALERTS names.

ONESOURCE_ALERTS: places with commas between: `log` (always written to), a path of a file,
`mailto:somebody@example.org`, `https://hooks.example.org/…` (a JSON `{"text": …}` is posted).
Mail goes through ONESOURCE_SMTP (`smtp://user:password@host:port`, `smtps://…`; without it
localhost), from ONESOURCE_MAIL_FROM. A place that cannot be reached is said in the log and stops
nothing.
"""

from __future__ import annotations

import json
import logging
import os
import smtplib
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 20


def send(subject: str, lines: Sequence[str]) -> None:
    """Says it at every place. Never raises: an alert must not fail what it is about."""
    log.warning("ALERT 告警 %s", subject)
    for line in lines:
        log.warning("  %s", line)
    for place in (os.environ.get("ONESOURCE_ALERTS") or "log").split(","):
        try:
            _send_to(place.strip(), subject, lines)
        except (OSError, ValueError, HTTPException, smtplib.SMTPException) as e:
            log.error("the alert could not be sent to %s: %s", _shown(place), type(e).__name__)


def _send_to(place: str, subject: str, lines: Sequence[str]) -> None:
    text = "\n".join([f"OneSource {subject}", *lines])
    if place in ("", "log"):
        return
    if place.startswith("mailto:"):
        _mail(place.removeprefix("mailto:"), subject, text)
    elif place.startswith(("http://", "https://")):
        request = urllib.request.Request(
            place,
            data=json.dumps({"text": text}, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()
    else:
        with Path(place).open("a", encoding="utf-8") as f:
            for line in lines or ("",):
                f.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\t{subject}\t{line}\n")


def _mail(to: str, subject: str, text: str) -> None:
    server = urlsplit(os.environ.get("ONESOURCE_SMTP") or "smtp://localhost:25")
    message = EmailMessage()
    message["Subject"] = f"OneSource {subject}"
    message["From"] = os.environ.get("ONESOURCE_MAIL_FROM") or "onesource@localhost"
    message["To"] = to
    message.set_content(text)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    with kind(server.hostname or "localhost", server.port or 0, timeout=_TIMEOUT_SECONDS) as smtp:
        if server.username:
            if server.scheme != "smtps":
                smtp.starttls()
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)


def _shown(place: str) -> str:
    """A place without what may be secret in it: a webhook's path often is."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return place.partition("://")[0]
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else place
