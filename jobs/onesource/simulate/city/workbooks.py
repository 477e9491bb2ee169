"""Large plain workbooks, written as text: title, header, rows, merged cells; the same bytes each
time. A workbook of 100,000 rows takes a second (with a library: twenty)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_TIME = (2000, 1, 1, 0, 0, 0)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def letter(column: int) -> str:
    """0 → A."""
    return chr(65 + column) if column < 26 else chr(64 + column // 26) + chr(65 + column % 26)


def write(
    path: Path, sheet: str, rows: Iterable[Sequence[str]], merged: Sequence[str] = ()
) -> None:
    """One sheet of texts; an empty text is no cell. merged: ranges such as A1:H1."""
    body = [_XML, f'<worksheet xmlns="{_MAIN}"><sheetData>']
    for n, row in enumerate(rows, start=1):
        cells = "".join(
            f'<c r="{letter(i)}{n}" t="inlineStr"><is>'
            f'<t xml:space="preserve">{escape(v)}</t></is></c>'
            for i, v in enumerate(row)
            if v
        )
        body.append(f'<row r="{n}">{cells}</row>')
    body.append("</sheetData>")
    if merged:
        body.append(f'<mergeCells count="{len(merged)}">')
        body += [f'<mergeCell ref="{m}"/>' for m in merged]
        body.append("</mergeCells>")
    body.append("</worksheet>")
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (*((n, _XML + t) for n, t in parts.items()),
                           ("xl/worksheets/sheet1.xml", "".join(body))):  # fmt: skip
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode())
