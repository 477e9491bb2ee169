"""The JSON Schema of a contract for editors: ODCS v3.1 with our `customProperties` filled in.

ODCS lets a custom property hold anything; here each of ours has its own shape, its description
and, where it is a word, the list of words. VS Code finds the file by `.vscode/settings.json`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from onesource.contracts.load import API_VERSION, LOGICAL_TYPES, odcs_schema
from onesource.contracts.properties import ContractProperties, FieldProperties

Schema = dict[str, Any]


def contract_schema(standardisers: Sequence[str]) -> Schema:
    """The schema as a JSON value; `standardisers` are the names that a field may use."""
    schema: Schema = copy.deepcopy(dict(odcs_schema().schema))
    schema["title"] = "OneSource contract 数据规范 (ODCS v3.1)"
    definitions = schema["$defs"]
    for model, name in ((ContractProperties, "Contract"), (FieldProperties, "Field")):
        own = model.model_json_schema(ref_template="#/$defs/OneSource{model}")
        for key, value in own.pop("$defs", {}).items():
            definitions[f"OneSource{key}"] = value
        if name == "Field":
            own["properties"]["standardiser"] = _standardiser(own, standardisers)
        definitions[f"OneSource{name}Property"] = _pairs(model, own["properties"])
    schema["properties"]["apiVersion"] = {"const": API_VERSION}
    schema["properties"]["customProperties"] = _list_of("Contract")
    definitions["SchemaObject"]["properties"]["properties"]["items"] = {
        "allOf": [{"$ref": "#/$defs/SchemaProperty"}],
        "required": ["name", "businessName", "logicalType"],
        "properties": {
            "logicalType": {"enum": sorted(LOGICAL_TYPES)},
            "customProperties": _list_of("Field"),
        },
    }
    return schema


def schema_text(standardisers: Sequence[str]) -> str:
    """The schema as the text of its file."""
    return json.dumps(contract_schema(standardisers), indent=1, ensure_ascii=False) + "\n"


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/OneSource{name}Property"}}


def _pairs(model: type[BaseModel], properties: dict[str, Schema]) -> Schema:
    """One `property`/`value` pair whose value has the shape that the property's name asks for."""
    names = list(properties)
    descriptions = [model.model_fields[n].description or "" for n in names]
    return {
        "allOf": [
            {"$ref": "#/$defs/CustomProperty"},
            *(
                {
                    "if": {"properties": {"property": {"const": name}}, "required": ["property"]},
                    "then": {"properties": {"value": _without_default(shape)}},
                }
                for name, shape in properties.items()
            ),
        ],
        "required": ["property", "value"],
        "properties": {
            "property": {"enum": names, "enumDescriptions": descriptions},
            "value": {},
        },
    }


def _without_default(shape: Schema) -> Schema:
    return {k: v for k, v in shape.items() if k not in ("default", "title")}


def _standardiser(own: Schema, names: Sequence[str]) -> Schema:
    """A name, or a name with arguments beside it or below `args`."""
    description = own["properties"]["standardiser"].get("description", "")
    text = {"type": ["string", "number", "boolean"]}
    return {
        "description": description,
        "anyOf": [
            {"enum": list(names)},
            {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"enum": list(names)},
                    "args": {"type": "object", "additionalProperties": text},
                },
                "additionalProperties": text,
            },
        ],
    }
