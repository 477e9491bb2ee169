"""Takes files in: finds their feed, checks them, and puts them into landing, or says why not.

A refused file stays where it is; the refusal is recorded in `ops.refusals`. What is taken is on
disk before it is acknowledged (P1).
"""

from __future__ import annotations

import os
import re
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onesource import digests
from onesource.config import Settings, now
from onesource.contracts.model import Catalogue, Contract, FieldSpec
from onesource.contracts.properties import Origin
from onesource.errors import DeliveryRefused, OneSourceError, UsageError
from onesource.ingest import landing
from onesource.ingest.archive import check_zip, extract
from onesource.ingest.control import SUFFIX, Control, parse_time, read_control
from onesource.ingest.incoming import (
    Incoming,
    copy_settled,
    incoming_files,
    is_delivery,
    is_regular,
    staging,
)
from onesource.ingest.readers import Inspection, inspect
from onesource.ingest.readers.batches import part_of
from onesource.ingest.statements import place_of, scope_parts
from onesource.lake import ops
from onesource.lake.files import locked

# (field, raw text) → standardised text or None. The room of the standardisers is further right.
Standardise = Callable[[FieldSpec, str | None], str | None]
# raw text of a statement time → ISO time or None
ReadTime = Callable[[str], str | None]

_SETTLE_SECONDS = 1.0  # a file younger than this is looked at again after this long


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `taken`, `known` (had already) or `refused`."""

    file: str
    status: str
    feed: str | None = None
    delivery_id: str | None = None
    reason: str | None = None
    message: str = ""
    rows: int | None = None


class Deliverer:
    """Hands files in, one after another, under the lock of their feed."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        standardise: Standardise,
        read_time: ReadTime,
    ) -> None:
        self.settings, self.catalogue = settings, catalogue
        self._folder = Path()
        self.standardise, self.read_time = standardise, read_time
        self._patterns = {
            feed.id: re.compile(feed.delivery.pattern) for feed in catalogue.feeds.values()
        }

    def deliver(self, paths: Sequence[Path], feed_id: str | None = None) -> Iterator[Outcome]:
        """Yields one outcome a file, in order of name. Raises UsageError for a path that is not.

        A directory is walked; a zip that is no delivery itself is opened safely and its members
        are taken as if they had been handed in.
        """
        if feed_id is not None and feed_id not in self.catalogue.feeds:
            known = ", ".join(sorted(self.catalogue.feeds))
            raise UsageError(f"there is no feed {feed_id}", todo=f"feeds: {known}")
        for path in paths:
            if not os.path.lexists(path):
                raise UsageError("there is no such file or folder", where=str(path))
        files = incoming_files(paths)
        if any(
            time.time() - f.first_look.st_mtime < _SETTLE_SECONDS for f in files if f.first_look
        ):
            # One wait for all: what is still being written will have changed by then.
            time.sleep(_SETTLE_SECONDS)
        if not files:
            return
        with staging(self.settings) as self._folder:
            for file in files:
                yield from self._one(file, feed_id)

    def _one(self, file: Incoming, feed_id: str | None) -> Iterator[Outcome]:
        """The outcome of a file, or of each file in an archive. One bad file stops no other."""
        try:
            if file.problem is not None:
                raise file.problem
            feeds = self._matching(file.name, feed_id)
            if self._is_archive(file, feeds):
                yield from self._archive(file, feed_id)
                return
            feed = self._only(file.name, feeds)
            with locked(self.settings.root("landing") / ".locks" / f"{feed.id}.lock"):
                yield self._take(file, feed)
        except DeliveryRefused as e:
            yield self._refuse(file, feed_id, e)
        except Exception as e:
            yield self._refuse(file, feed_id, _refusal(file, e))

    def _is_archive(self, file: Incoming, feeds: list[Contract]) -> bool:
        """A zip is opened, save where a feed expects workbooks under such a name."""
        return file.path.suffix.lower() == ".zip" and not any(
            f.delivery.format == "xlsx" and self._patterns[f.id].fullmatch(file.name) for f in feeds
        )

    def _archive(self, file: Incoming, feed_id: str | None) -> Iterator[Outcome]:
        check_zip(file.path)
        folder = self._folder / uuid.uuid4().hex
        members = sorted(extract(file.path, folder))
        if not any(is_delivery(m.name) for m in members):
            raise DeliveryRefused("holds no file", reason="EMPTY", where=file.name)
        for member in members:
            if is_delivery(member.name):
                yield from self._one(Incoming(member, member.name, file.name), feed_id)
            if member.suffix != SUFFIX:
                member.unlink(missing_ok=True)

    def _matching(self, name: str, feed_id: str | None) -> list[Contract]:
        if feed_id is not None:
            return [self.catalogue.feeds[feed_id]]
        return [
            feed
            for feed in self.catalogue.feeds.values()
            if self._patterns[feed.id].fullmatch(name)
        ]

    def _only(self, name: str, feeds: list[Contract]) -> Contract:
        if not feeds:
            raise DeliveryRefused(
                "no feed expects a file of this name",
                reason="NO_FEED",
                where=name,
                todo="name it as its contract says, or say --feed ID",
            )
        if len(feeds) > 1:
            raise DeliveryRefused(
                f"several feeds expect this name: {', '.join(f.id for f in feeds)}",
                reason="AMBIGUOUS_FEED",
                where=name,
                todo="say --feed ID",
            )
        return feeds[0]

    def _take(self, file: Incoming, feed: Contract) -> Outcome:
        if not self._patterns[feed.id].fullmatch(file.name) and self._patterns[feed.id].groupindex:
            raise DeliveryRefused(
                f"the name does not fit the pattern of {feed.id}",
                reason="NAME",
                where=file.name,
                todo=f"the name must match {feed.delivery.pattern}",
            )
        control = read_control(file.path)
        if control is None and feed.delivery.control_file == "required":
            raise DeliveryRefused(
                f"{feed.id} needs a control file {file.name}{SUFFIX}",
                reason="CONTROL",
                where=file.name,
            )
        incoming = self._folder / uuid.uuid4().hex
        try:
            digest, size = copy_settled(file, incoming)
            if control and control.sha256 and digest != f"sha256:{control.sha256}":
                raise DeliveryRefused(
                    "the bytes are not those that the control file names",
                    reason="CONTROL",
                    where=file.name,
                    todo="deliver it again; it may have been cut off",
                )
            return self._record(file, feed, control, incoming, digest, size)
        finally:
            incoming.unlink(missing_ok=True)

    def _record(
        self,
        file: Incoming,
        feed: Contract,
        control: Control | None,
        incoming: Path,
        digest: str,
        size: int,
    ) -> Outcome:
        seen = inspect(incoming, feed, file.name)
        _check_counts(file.name, feed, control, seen)
        received = now()
        statement, source = self._statement_time(feed, file, control, seen, received)
        scope = self._scope(feed, file.name, seen)
        place = place_of(
            landing.records(self.settings, feed),
            feed,
            digest,
            scope,
            control,
            statement,
            declared=source != "receipt",
        )
        if isinstance(place, landing.Record):
            return Outcome(
                file.name,
                "known",
                feed.id,
                place.delivery_id,
                message=f"the same bytes were taken as {place.file_name}"
                if place.file_name != file.name
                else "",
                rows=place.rows,
            )
        record = landing.Record(
            delivery_id=landing.delivery_id(digest, place.repeat),
            feed=feed.id,
            file_name=file.name,
            digest=digest,
            size=size,
            rows=seen.rows,
            received_at=received.isoformat(),
            statement_at=place.statement_at,
            statement_from=source if place.statement_at == statement else "resent",
            sequence=place.sequence,
            repeat=place.repeat,
            scope=scope,
            control=control.as_json() if control else {},
            contract_version=feed.version,
            encoding=seen.encoding,
            skipped=dict(seen.skipped),
            malformed=seen.malformed,
            unknown_fields=tuple(seen.unknown),
            archive=file.archive,
        )
        landing.store(self.settings, feed, record, incoming)
        notes = []
        if seen.unknown:
            notes.append(f"{len(seen.unknown)} unknown fields kept aside: {_some(seen.unknown)}")
        if seen.malformed:
            notes.append(f"{seen.malformed} rows of another shape")
        return Outcome(
            file.name,
            "taken",
            feed.id,
            record.delivery_id,
            message="; ".join(notes),
            rows=seen.rows,
        )

    def _statement_time(
        self,
        feed: Contract,
        file: Incoming,
        control: Control | None,
        seen: Inspection,
        received: datetime,
    ) -> tuple[str, str]:
        """When it was said, and where that was found."""
        if control and control.statement_time:
            return control.statement_time, "control"
        s = feed.delivery.statement_time
        raw: str | None = None
        if s.from_ == "file_name" and s.group:
            raw = self._group(feed, file.name, s.group)
        elif s.from_ == "cell" and s.cell:
            raw = seen.cells.get(s.cell)
            if raw and s.pattern:
                raw = part_of(raw, s.pattern)
        elif s.from_ == "column" and s.field:
            raw = seen.last_values.get(s.field)
        iso = self.read_time(raw) if raw else None
        with suppress(ValueError):
            if iso is not None:
                return parse_time(iso).isoformat(), s.from_
        return received.isoformat(), "receipt"

    def _group(self, feed: Contract, name: str, group: str) -> str | None:
        found = self._patterns[feed.id].fullmatch(name)
        return found.groupdict().get(group) if found else None

    def _scope(self, feed: Contract, name: str, seen: Inspection) -> dict[str, str | None]:
        """The parts of the scope that the file as a whole tells, standardised."""
        scope: dict[str, str | None] = {}
        names = set(feed.field_names)
        for part in scope_parts(feed):
            if part not in names:
                scope[part] = self._group(feed, name, part)
                continue
            field = feed.field(part)
            origin = field.properties.origin
            if origin is None or origin.from_ in ("column", "sheet", "delivery", "field"):
                continue
            raw = self._origin(feed, name, seen, origin)
            if raw and origin.pattern:
                raw = part_of(raw, origin.pattern)
            value = self.standardise(field, raw)
            if value is None:
                raise DeliveryRefused(
                    f"{part}, which says what the file speaks for, cannot be read",
                    reason="SCOPE",
                    where=name,
                    todo="mend the file's name or the cell",
                )
            scope[part] = value
        return scope

    def _origin(self, feed: Contract, name: str, seen: Inspection, origin: Origin) -> str | None:
        if origin.from_ == "file_name":
            return self._group(feed, name, origin.group or "")
        if origin.from_ == "cell":
            return seen.cells.get(origin.cell or "")
        return origin.value

    def _refuse(self, file: Incoming, feed_id: str | None, e: DeliveryRefused) -> Outcome:
        feeds = self._matching(file.name, feed_id)
        feed = feeds[0].id if len(feeds) == 1 else None
        row = {
            "file": file.name,
            "feed": feed,
            "digest": _digest_or_none(file),
            "reason": e.reason,
            "message": e.line(),
        }
        said = e.line()
        try:
            ops.append(self.settings, "refusals", now().strftime("%Y-%m"), [row])
        except (OSError, OneSourceError):
            said += "; the refusal could not be recorded in ops.refusals"
        return Outcome(file.name, "refused", feed, None, e.reason, said)


def _refusal(file: Incoming, e: Exception) -> DeliveryRefused:
    """Any other error in the words of a refusal; of what was not foreseen only the place."""
    if isinstance(e, OSError):
        return DeliveryRefused(
            "could not be read or kept",
            reason="IO",
            where=file.name,
            why=e.strerror or type(e).__name__,
            todo="free the disk or mend the file's rights, then deliver it again",
        )
    if isinstance(e, OneSourceError):
        return DeliveryRefused(
            f"{file.name} was not taken: {e.what}",
            reason="FEED",
            where=e.where,
            why=e.why,
            todo=e.todo,
        )
    at = traceback.extract_tb(e.__traceback__)[-1]
    return DeliveryRefused(
        "met an error that was not foreseen",
        reason="UNFORESEEN",
        where=file.name,
        why=f"{type(e).__name__} in {Path(at.filename).name}, line {at.lineno}",
        todo="report it with the file",
    )


def _check_counts(name: str, feed: Contract, control: Control | None, seen: Inspection) -> None:
    if control and control.rows is not None and control.rows != seen.rows:
        raise DeliveryRefused(
            f"holds {seen.rows} rows, the control file says {control.rows}",
            reason="CONTROL",
            where=name,
            todo="deliver it again; it may have been cut off",
        )
    if seen.rows == 0 and not feed.delivery.zero_allowed:
        raise DeliveryRefused(
            "holds no rows, and an empty report is no statement for this feed",
            reason="EMPTY",
            where=name,
        )


def _some(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _digest_or_none(file: Incoming) -> str | None:
    with suppress(OSError, OneSourceError):
        return digests.of_file(file.path) if is_regular(file) else None
    return None
