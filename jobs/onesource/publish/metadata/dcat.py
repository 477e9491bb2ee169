"""`catalog.jsonld`: the release as a DCAT-AP 3 catalogue."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from typing import Any

from onesource.publish.model import BuiltDataset, DataFile, Release

_EU = "http://publications.europa.eu/resource/authority"
_CYCLE = {
    "实时": "CONT",
    "每日": "DAILY",
    "每周": "WEEKLY",
    "每月": "MONTHLY",
    "每季度": "QUARTERLY",
    "每半年": "ANNUAL_2",
    "每年": "ANNUAL",
    "不定期": "IRREG",
}
_ACCESS = {"可公开": "PUBLIC", "依条件公开": "RESTRICTED", "不可公开": "NON_PUBLIC"}
_FILE_TYPE = {"csv": "CSV", "xlsx": "XLSX", "parquet": "PARQUET", "geojson": "GEOJSON"}
_MEDIA = "http://www.iana.org/assignments/media-types/"
CONTEXT: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "adms": "http://www.w3.org/ns/adms#",
}
Node = dict[str, Any]


def catalogue(release: Release, base: str) -> Node:
    """The catalogue as JSON-LD. base: address of the release's folder, with `/` at its end."""
    publisher = _agent(release)
    issued = _typed(release.issued, "dateTime")
    whole: Node = {
        "@id": base,
        "@type": "dcat:Catalog",
        "dct:title": _zh(f"{release.city}公共数据开放目录"),
        "dct:description": _zh(f"{release.city}于 {release.day} 开放的公共数据"),
        "dct:publisher": {"@id": publisher["@id"]},
        "dct:language": _listed("language", "ZHO", "dct:LinguisticSystem"),
        "dct:issued": issued,
        "dct:modified": issued,
        "dct:spatial": _place(release.city_code),
        "dct:license": [{"@id": uri} for uri in _licences(release)],
        "foaf:homepage": {"@id": f"{base}index.html", "@type": "foaf:Document"},
        "dcat:dataset": [{"@id": _dataset_id(d)} for d in release.datasets],
        "dcat:themeTaxonomy": {
            "@id": f"{_EU}/data-theme",
            "@type": "skos:ConceptScheme",
            "dct:title": _en("Data theme"),
        },
    }
    graph: list[Node] = [whole, publisher]
    for d in release.datasets:
        graph += _dataset(d, release, base, publisher["@id"])
    return {"@context": dict(CONTEXT), "@graph": graph}


def _licences(release: Release) -> list[str]:
    # A catalogue has one licence; where its datasets have several, none is said of the whole.
    found = sorted({d.contract.open.licence_uri for d in release.datasets})
    return found if len(found) == 1 else []


def _dataset_id(d: BuiltDataset) -> str:
    return str(d.contract.properties.permanent_uri)


def _agent(release: Release) -> Node:
    uscc = release.publisher["uscc"]
    return {
        "@id": f"urn:uscc:{uscc}",
        "@type": "foaf:Agent",
        "foaf:name": _zh(release.publisher["name"]),
        "dct:identifier": uscc,
        "dct:type": {
            "@id": "http://purl.org/adms/publishertype/LocalAuthority",
            "@type": "skos:Concept",
            "skos:prefLabel": _en("Local Authority"),
            "skos:inScheme": {"@id": "http://purl.org/adms/publishertype/1.0"},
        },
    }


def _dataset(d: BuiltDataset, release: Release, base: str, publisher: str) -> list[Node]:
    c, o = d.contract, d.contract.open
    cycle = _CYCLE[str(c.properties.update_cycle)]
    access = _ACCESS[c.properties.opening]
    node: Node = {
        "@id": _dataset_id(d),
        "@type": "dcat:Dataset",
        "dct:title": [_zh(c.business_name), _en(o.name_en)],
        "dct:description": [_zh(o.summary_zh), *([_en(c.purpose)] if c.purpose else [])],
        "dct:identifier": str(c.properties.catalogue_code),
        "dct:publisher": {"@id": publisher},
        "dcat:keyword": [_zh(k) for k in o.keywords],
        "dcat:theme": _listed("data-theme", o.theme_eu, "skos:Concept"),
        "dct:accrualPeriodicity": _listed("frequency", cycle, "dct:Frequency"),
        "dct:accessRights": _listed("access-right", access, "dct:RightsStatement"),
        "dct:spatial": _place(o.spatial),
        "dct:language": _listed("language", "ZHO", "dct:LinguisticSystem"),
        "dct:modified": _typed(d.quality.served_at or release.issued, "dateTime"),
        "dcat:version": c.version,
        "dcat:landingPage": {"@id": f"{base}{d.name}.html", "@type": "foaf:Document"},
        "dcat:contactPoint": {
            "@id": f"{base}{d.name}.html#contact",
            "@type": ["vcard:Organization", "vcard:Kind"],
            "vcard:fn": o.contact,
            "vcard:hasURL": {"@id": f"{base}{d.name}.html#contact"},
        },
        "dct:provenance": {
            "@id": f"{base}{d.name}.html#method",
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": _zh(o.method or o.grain),
        },
        "dcat:distribution": [{"@id": base + f.path} for f in d.files],
    }
    if d.time_covered:
        period = _period(d.time_covered)
        if period:
            node["dct:temporal"] = period
    return [node, *(_distribution(d, f, release, base) for f in d.files)]


def _distribution(d: BuiltDataset, f: DataFile, release: Release, base: str) -> Node:
    o = d.contract.open
    return {
        "@id": base + f.path,
        "@type": "dcat:Distribution",
        "dct:title": _zh(f"{d.contract.business_name}（{f.format.upper()}）"),
        "dct:description": _zh(f"{o.summary_zh}（{_FILE_TYPE[f.format]}）"),
        "dcatap:availability": _listed("planned-availability", "STABLE", "skos:Concept"),
        "dcat:accessURL": {"@id": base + f.path},
        "dcat:downloadURL": {"@id": base + f.path},
        "dct:format": _listed("file-type", _FILE_TYPE[f.format], "dct:MediaTypeOrExtent"),
        "dcat:mediaType": {"@id": _MEDIA + f.media_type, "@type": "dct:MediaType"},
        "dcat:byteSize": _typed(str(f.size), "nonNegativeInteger"),
        "dct:issued": _typed(release.issued, "dateTime"),
        "dct:license": {"@id": o.licence_uri, "@type": "dct:LicenseDocument"},
        "dct:rights": {
            "@id": f"{base}{d.name}.html#licence",
            "@type": "dct:RightsStatement",
            "rdfs:label": _zh(o.condition or o.attribution or o.licence),
        },
        "spdx:checksum": {
            "@id": f"{base}{f.path}#checksum",
            "@type": "spdx:Checksum",
            "spdx:algorithm": {
                # https, as the profile's shapes want it, although the vocabulary itself has http.
                "@id": "https://spdx.org/rdf/terms#checksumAlgorithm_sha256",
                "@type": "spdx:ChecksumAlgorithm",
            },
            "spdx:checksumValue": _typed(f.sha256, "hexBinary"),
        },
    }


def _listed(scheme: str, code: str, kind: str) -> Node:
    """A word of one of the EU's controlled vocabularies."""
    return {
        "@id": f"{_EU}/{scheme}/{code}",
        "@type": kind,
        "skos:prefLabel": _en(code),
        "skos:inScheme": {"@id": f"{_EU}/{scheme}"},
    }


def _place(code: str) -> Node:
    return {"@id": f"urn:cn:division:{code}", "@type": "dct:Location", "dct:identifier": code}


def _period(covered: tuple[str, str]) -> Node | None:
    """The time covered; a year or a month is its first and its last day."""
    start, end = _day(covered[0], last=False), _day(covered[1], last=True)
    if start is None or end is None:
        return None
    return {
        "@id": f"urn:period:{start}/{end}",
        "@type": "dct:PeriodOfTime",
        "dcat:startDate": _typed(start, "date"),
        "dcat:endDate": _typed(end, "date"),
    }


def _day(text: str, *, last: bool) -> str | None:
    if re.fullmatch(r"\d{4}", text):
        return f"{text}-12-31" if last else f"{text}-01-01"
    month = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if month:
        year, number = int(month[1]), int(month[2])
        day = calendar.monthrange(year, number)[1] if last else 1
        return f"{text}-{day:02d}"
    return text[:10] if re.match(r"\d{4}-\d{2}-\d{2}", text) else None


def _typed(value: str, kind: str) -> Node:
    return {"@type": f"xsd:{kind}", "@value": value}


def _zh(text: str) -> Node:
    return {"@language": "zh", "@value": " ".join(text.split())}


def _en(text: str) -> Node:
    return {"@language": "en", "@value": " ".join(text.split())}
