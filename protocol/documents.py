"""The published contract, generated from the models: JSON Schemas and an AsyncAPI 3 document."""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from protocol.codec import COMMAND_ENVELOPES, EVENT_ENVELOPES, MAX_MESSAGE_BYTES
from protocol.topics import ROOT, TOPICS, Topic
from protocol.version import CURRENT

_ASYNCAPI_VERSION = "3.0.0"
_REF = "#/components/schemas/{model}"


def documents() -> dict[str, str]:
    """File name to text of every generated document, relative to `protocol/`."""
    files = {f"schemas/{name}.json": _text(_schema(model)) for name, model in _messages().items()}
    files["asyncapi.json"] = _text(asyncapi())
    return files


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 document from the kiosk's point of view: it sends what it publishes, receives the rest."""
    messages = _messages()
    references, definitions = models_json_schema(
        [(model, "serialization") for model in messages.values()], ref_template=_REF
    )
    return {
        "asyncapi": _ASYNCAPI_VERSION,
        "info": {
            "title": "DermaKiosk",
            "version": str(CURRENT),
            "description": f"Kiosk to hub and back over MQTT 3.1.1 or 5. At most {MAX_MESSAGE_BYTES} bytes a message.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in TOPICS.items()},
        "operations": {
            name: {
                "action": "send" if topic.publisher == "kiosk" else "receive",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": topic.meaning,
                "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retain}},
            }
            for name, topic in TOPICS.items()
        },
        "components": {
            "messages": {
                name: {"name": name, "payload": references[(model, "serialization")]}
                for name, model in messages.items()
            },
            "schemas": definitions.get("$defs", {}),
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    names = topic.types or (topic.name,)
    parameters: dict[str, Any] = {
        "site": {"description": "slug of the site"},
        "kiosk": {"description": "slug of the kiosk, unique within its site"},
    }
    if topic.types:
        parameters["type"] = {"enum": list(topic.types), "description": "the payload's type"}
    return {
        "address": f"{ROOT}/{{site}}/{{kiosk}}/{topic.suffix}",
        "description": topic.meaning,
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _messages() -> dict[str, type[BaseModel]]:
    plain: dict[str, type[BaseModel]] = {name: t.payload for name, t in TOPICS.items() if not t.types}
    return plain | dict(EVENT_ENVELOPES) | dict(COMMAND_ENVELOPES)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(mode="serialization")}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
