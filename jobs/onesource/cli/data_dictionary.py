"""`onesource dictionary`: the data dictionary of tables as CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from onesource.cli.answer import whole_file
from onesource.config import Settings
from onesource.contracts.dictionary import dictionary_csv
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError


def dictionary_command(settings: Settings, tables: Sequence[str], csv: Path | None) -> int:
    """Of these tables (`layer.name`), or of all. To standard output, or into a file. Exit code 0.

    Raises UsageError for a table that no contract describes.
    """
    known = load_catalogue(settings.schemas).tables
    for name in tables:
        if name not in known:
            todo = "onesource sql 'SHOW TABLES' lists them"
            raise UsageError(f"no contract describes {name}", todo=todo)
    text = dictionary_csv([known[name] for name in tables or known])
    if csv is None:
        sys.stdout.write(text)
    else:
        with whole_file(csv) as part:
            part.write_text(text, encoding="utf-8")
    return 0
