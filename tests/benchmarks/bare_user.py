"""A bare user of Locust that sends what a soak has sent, and looks at no answer but for the ids of new intents.

A locustfile: ``BARE_REQUESTS`` names a file of JSON lines, one user's requests each, and ``BARE_KEY`` the key.
"""

from __future__ import annotations

import itertools
import json
import os
import uuid
from pathlib import Path
from typing import Any

from locust import HttpUser, constant, task

SCRIPTS: list[list[dict[str, Any]]] = [
    json.loads(line) for line in Path(os.environ["BARE_REQUESTS"]).read_text(encoding="utf-8").splitlines()
]
_NEXT = itertools.count(os.getpid())


class Bare(HttpUser):
    wait_time = constant(0)

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {os.environ['BARE_KEY']}"

    @task
    def script(self) -> None:
        ids: dict[str, str] = {}
        keys: dict[str, str] = {}
        for one in SCRIPTS[next(_NEXT) % len(SCRIPTS)]:
            path, headers = one["path"], dict(one["headers"])
            if one["intent"]:
                path = path.replace(one["intent"], ids.get(one["intent"], one["intent"]))
            if "idempotency-key" in headers:
                headers["idempotency-key"] = keys.setdefault(headers["idempotency-key"], uuid.uuid4().hex)
            answer = self.client.request(
                one["method"], path, headers=headers, data=one["body"] or None, name=one["operation"]
            )
            if one["made"] and answer.status_code == 200:
                ids[one["made"]] = answer.json()["id"]
