"""OneSource 一源: what departments deliver becomes tables that can be trusted.

Rooms in the order in which data passes: `ingest`, `clean`, `registry`, `curate`. The floor they
share: `contracts`, `lake`, `quality`, `spark`, `config`. On top: `run` and `cli`.
"""

__version__ = "0.1.0"
