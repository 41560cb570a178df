"""Where wandb would find a key; the key itself is not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.tracking.api_key import key_place

ENTRY = "machine {host} login user password not-a-real-key\n"


@pytest.mark.parametrize(
    ("environment", "files", "place"),
    [
        ({}, {}, None),
        ({"WANDB_API_KEY": "x"}, {}, "WANDB_API_KEY"),
        ({"WANDB_API_KEY": ""}, {}, None),
        ({}, {".netrc": ENTRY.format(host="api.wandb.ai")}, ".netrc"),
        ({}, {"_netrc": ENTRY.format(host="api.wandb.ai")}, "_netrc"),
        ({}, {".netrc": ENTRY.format(host="github.com")}, None),
        ({"WANDB_BASE_URL": "https://wandb.lab.example:8443"}, {".netrc": ENTRY.format(host="api.wandb.ai")}, None),
        (
            {"WANDB_BASE_URL": "https://wandb.lab.example:8443"},
            {".netrc": ENTRY.format(host="wandb.lab.example")},
            ".netrc",
        ),
        ({"NETRC": "{home}/keys"}, {"keys": ENTRY.format(host="api.wandb.ai")}, "keys"),
        ({}, {".netrc": "machine"}, None),
    ],
)
def test_where_the_key_is(tmp_path: Path, environment: dict, files: dict, place: str | None) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    given = {name: value.format(home=tmp_path) for name, value in environment.items()}
    found = key_place({"HOME": str(tmp_path), **given})
    assert found == (place if place in (None, "WANDB_API_KEY") else str(tmp_path / str(place)))
