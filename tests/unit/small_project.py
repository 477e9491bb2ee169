"""A project of one feed, one code list and one curated table, to be broken by tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onesource.config import Settings

CITY = """\
name: 测试市
code: "149900"
sectors: {energy: 能源, base: 基础}
counties: {"149901": 甲县, "149902": 乙县}
departments:
  - {uscc: 11141100MB9X00015W, name: 旧局, valid_from: 2003-01-01, valid_to: 2019-02-01}
  - {uscc: 11141100MB9X00015W, name: 新局, valid_from: 2019-02-01, valid_to: null}
reporting_units: {mines: ["149901"]}
"""

FEED = """\
apiVersion: v3.1.0
kind: DataContract
id: energy.coal
name: 煤炭日报
version: 1.2.3
status: active
domain: energy
customProperties:
  - {property: catalogue_code, value: 307/energy/009}
  - {property: provider_uscc, value: 11141100MB9X00015W}
  - {property: steward, value: 新局}
  - {property: permanent_uri, value: 'https://data.example.org/id/feed/energy.coal'}
  - {property: update_cycle, value: 每日}
  - property: delivery
    value: {pattern: 'coal.*[.]csv', format: csv}
schema:
  - name: coal
    physicalType: table
    properties:
      - name: mine_id
        businessName: 煤矿编号
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
      - name: status
        businessName: 状态
        logicalType: string
        enum: [{value: 生产}, {value: 停产}]
      - name: gas
        businessName: 瓦斯等级
        logicalType: string
        customProperties:
          - {property: codelist, value: gas}
      - name: output_t
        businessName: 产量
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 1000}
        customProperties:
          - {property: unit, value: t}
          - {property: aliases, value: [日产量]}
"""

CURATED = """\
apiVersion: v3.1.0
kind: DataContract
id: curated.energy_coal_status
name: 煤矿状态统计
version: 1.0.0
status: active
domain: energy
schema:
  - name: energy_coal_status
    physicalType: table
    properties:
      - {name: status, businessName: 状态, logicalType: string, primaryKey: true}
      - {name: mines_count, businessName: 煤矿数, logicalType: integer}
"""

SQL = """\
-- Purpose: mines by status. Grain: one row per status. Units: mines_count is a number of mines.
SELECT status, count(*) AS mines_count
FROM silver.energy_coal
WHERE status IS NOT NULL
GROUP BY status
"""

CODES = (
    "# 瓦斯等级 Gas level\ncode,name,valid_from,valid_to\nlow,低瓦斯,2011-02-01,\nhigh,高瓦斯,,\n"
)


class SmallProject:
    """The project's folder, and ways to change it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home, lake=home / "lake", keys=home / "keys")
        self.feed = home / "schemas/feeds/energy/coal.yaml"
        self.curated = home / "schemas/curated/energy/coal_status.yaml"
        self.sql = home / "jobs/sql/energy/coal_status.sql"
        self.codes = home / "schemas/codelists/gas.csv"
        self.city = home / "schemas/city.yaml"
        for path, text in (
            (self.city, CITY),
            (self.feed, FEED),
            (self.curated, CURATED),
            (self.sql, SQL),
            (self.codes, CODES),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (home / "expectations").mkdir()

    def change(self, path: Path, old: str, new: str) -> None:
        """Replaces what stands once in a file."""
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def git(self, *arguments: str) -> None:
        subprocess.run(
            [
                *("git", "-C", str(self.home), "-c", "user.name=t", "-c", "user.email=t@t"),
                *("-c", "commit.gpgsign=false", *arguments),
            ],
            check=True,
            capture_output=True,
        )

    def commit(self, message: str = "x") -> None:
        if not (self.home / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
