"""From a sample file to the first version of a contract: `onesource new feed ID --from SAMPLE`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from onesource.contracts.load import load_contract
from onesource.contracts.model import City, Kind
from onesource.errors import OneSourceError, UsageError
from onesource.ingest.infer.filename import pattern_of
from onesource.ingest.infer.sample import read_sample
from onesource.ingest.infer.written import columns_of, contract_text
from onesource.ingest.readers import inspect

__all__ = ["infer_feed"]


def infer_feed(feed_id: str, sample: Path, *, city: City, provider_uscc: str | None = None) -> str:
    """The YAML text of a contract under which the sample can be delivered.

    `feed_id` is `sector.name`. Format, delimiter, encoding, header, types and key are guessed
    from the sample; what cannot be known (department, steward, cycle) has valid values marked
    TODO. No value of the sample stands in the text. Before it is given back, the contract is
    loaded and the whole sample read under it.
    Raises UsageError where the sample holds no table, DeliveryRefused where it is damaged.
    """
    sector, dot, name = feed_id.partition(".")
    if not dot or not sector.isidentifier() or not name.isidentifier():
        raise UsageError(f"{feed_id} is no id of a feed", todo="write sector.name")
    table = read_sample(sample, city)
    named = pattern_of(sample.name, table.format, city)
    columns = columns_of(table, named, sample.name, city)
    text = contract_text(feed_id, sample.name, table, named, columns, city, provider_uscc)
    _prove(text, sector, name, sample)
    return text


def _prove(text: str, sector: str, name: str, sample: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / sector / f"{name}.yaml"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        feed = load_contract(path, Kind.FEED)
        found = inspect(sample, feed, sample.name)
    if found.malformed * 2 > found.rows:
        raise OneSourceError(
            f"most rows do not fit the header ({found.malformed} of {found.rows})",
            where=sample.name,
            todo="take a sample whose rows have as many cells as its header",
        )
