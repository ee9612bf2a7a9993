"""Settings files for tests: unique names for topics and group, and a TOML writer for what tests put in."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TOPICS = (
    "events",
    "rejected",
    "frontier",
    "tallies",
    "checkpoints",
    "presence",
    "flows",
    "indicators",
    "shuffled",
    "sources",
    "epochs",
)


class FreshNames(NamedTuple):
    """Names on the shared broker that no other test uses."""

    prefix: str
    group: str

    @property
    def topics(self) -> dict[str, str]:
        """Topic names by their key in the section ``topics`` of the settings."""
        return {key: f"{self.prefix}.{key}" for key in TOPICS}


def make_names() -> FreshNames:
    """New unique names."""
    unique = uuid.uuid4().hex[:10]
    return FreshNames(prefix=f"t{unique}", group=f"g{unique}")


def write_settings(path: Path, sections: Mapping[str, Mapping[str, object]]) -> Path:
    """Write ``sections`` as TOML to ``path``, which is returned; ``as_toml`` says what values can be."""
    lines: list[str] = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {as_toml(value)}" for key, value in values.items()), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def as_toml(value: object) -> str:
    """A string, path, number, date, list or mapping in TOML. Raises TypeError for anything else."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | Path():
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case datetime.date():
            return value.isoformat()
        case Mapping():
            return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(as_toml(item) for item in value) + "]"
    raise TypeError(f"no TOML form for {type(value).__name__}")
