"""`make docs`: writes the generated pages and the JSON Schema for editors."""

from __future__ import annotations

from pathlib import Path

from onesource.run.reference import write_generated

if __name__ == "__main__":
    written = write_generated(Path(__file__).resolve().parents[1])
    print("\n".join(written) if written else "all current")
