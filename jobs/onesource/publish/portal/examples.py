"""Examples that a reader copies and runs in the folder of the release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from onesource.publish.model import BuiltDataset, DataFile

# Stands before every path. The page puts the release's address in its place when it is read over
# the web; in a copy on disk it is empty, and paths are relative to the release's folder.
BASE = "\x00"


@dataclass(frozen=True)
class Example:
    """language: stable id. before: what has to be installed."""

    language: str
    title: str
    before: str
    code: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The code, cut where the base address goes."""
        return tuple(self.code.split(BASE))

    @property
    def local(self) -> str:
        """The code as it runs in the folder of the release."""
        return self.code.replace(BASE, "")


def examples(dataset: BuiltDataset, release_uri: str) -> tuple[Example, ...]:
    """release_uri: where the release is on the web, ends with `/`."""
    files = {f.format.lower(): f for f in dataset.files}
    made = [_duckdb(dataset, files), _pandas(dataset, files), _r(dataset, files)]
    made += [_python(files), _curl(dataset, files, release_uri)]
    return tuple(e for e in made if e is not None)


def _duckdb(dataset: BuiltDataset, files: Mapping[str, DataFile]) -> Example | None:
    found = files.get("parquet") or files.get("csv")
    if found is None:
        return None
    path = "'" + BASE + found.path.replace("'", "''") + "'"
    if found.format.lower() == "csv":
        types = ", ".join(f"{_sql_text(c)}: 'VARCHAR'" for c in _text_columns(dataset))
        path = f"read_csv({path}, header = true" + (f", types = {{{types}}})" if types else ")")
    code = f"SELECT count(*) AS n_rows FROM {path};\n\n"
    chart = dataset.contract.open.chart
    by = chart and (chart.time or chart.county)
    if chart and by:
        code += (
            f"SELECT {_sql_name(by)}, count({_sql_name(chart.measure)}) AS n, "
            f"avg({_sql_name(chart.measure)}) AS mean\n"
            f"FROM {path}\nGROUP BY ALL ORDER BY 1;\n"
        )
    else:
        code += f"SELECT * FROM {path} LIMIT 20;\n"
    return Example("duckdb", "DuckDB(SQL)", "duckdb", code)


def _pandas(dataset: BuiltDataset, files: Mapping[str, DataFile]) -> Example | None:
    if "csv" not in files:
        return None
    path = _quoted(BASE + files["csv"].path)
    text = "".join(f"    {_quoted(c)}: str,\n" for c in _text_columns(dataset))
    code = (
        "import pandas as pd\n\n"
        "# 代码列按文本读取，避免丢失前导零。 Codes are text.\n"
        f"text = {{\n{text}}}\n"
        f"df = pd.read_csv({path}, dtype=text)\n"
        "print(df.shape)\nprint(df.head())\n"
    )
    return Example("pandas", "Python(pandas)", "pip install pandas", code)


def _r(dataset: BuiltDataset, files: Mapping[str, DataFile]) -> Example | None:
    if "csv" not in files:
        return None
    path = _quoted(BASE + files["csv"].path)
    text = ",\n".join(f'  {_quoted(c)} = "character"' for c in _text_columns(dataset))
    classes = f"text <- c(\n{text}\n)\n" if text else "text <- NA\n"
    code = (
        "# 代码列按文本读取，避免丢失前导零。 Codes are text.\n"
        f"{classes}"
        f'df <- read.csv({path}, colClasses = text, na.strings = "",\n'
        '               check.names = FALSE, fileEncoding = "UTF-8")\n'
        "str(df)\n"
    )
    return Example("r", "R", "", code)


def _python(files: Mapping[str, DataFile]) -> Example | None:
    """Only the standard library; a copy on disk."""
    if "csv" not in files:
        return None
    code = (
        "import csv\n\n"
        f'with open({_quoted(files["csv"].path)}, encoding="utf-8", newline="") as file:\n'
        "    rows = list(csv.DictReader(file))\n"
        "print(len(rows), rows[0] if rows else None)\n"
    )
    return Example("python", "Python（无需安装其他库）", "", code)


def _curl(dataset: BuiltDataset, files: Mapping[str, DataFile], release_uri: str) -> Example | None:
    found = files.get("csv") or next(iter(files.values()), None)
    if found is None:
        return None
    name = found.path.rsplit("/", 1)[-1]
    code = (
        f"curl -fsSLO {_shell(release_uri + found.path)}\n"
        f"echo {_shell(f'{found.sha256}  {name}')} | sha256sum -c -\n"
    )
    return Example("curl", "curl", "", code)


def _text_columns(dataset: BuiltDataset) -> list[str]:
    return [f.name for f in dataset.contract.fields if f.logical_type == "string"]


def _quoted(text: str) -> str:
    """A string of Python and of R: both read JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\\u0000", BASE)


def _sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
