"""Files that a user writes: whatever is wrong with their text is one ValueError in one line."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from results.codec import TOO_DEEP, parse_json

if TYPE_CHECKING:
    from yaml import Node

__all__ = ["parse_json", "parse_toml", "parse_yaml"]


def parse_toml(text: str) -> dict[str, object]:
    """The table of a TOML document; raises ValueError."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def parse_yaml(text: str) -> object:
    """The value of a YAML document, None for an empty one.

    Raises ValueError, also for an impossible date or number and for a key that a mapping has twice.
    """
    import yaml

    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_keys(node)
        value: object = loader.construct_document(node)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    finally:
        if loader is not None:
            loader.dispose()
    return value


def _check_keys(root: Node) -> None:
    """Raise ValueError for a key that stands twice in one mapping; YAML forbids it, PyYAML not."""
    from yaml import MappingNode, ScalarNode, SequenceNode

    seen, waiting = set[int](), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting += node.value
        elif isinstance(node, MappingNode):
            keys = set[tuple[str, str]]()
            for key, value in node.value:
                waiting += (key, value)
                name = (key.tag, key.value) if isinstance(key, ScalarNode) else None
                if name in keys:
                    line = key.start_mark.line + 1
                    raise ValueError(f"the key {key.value!r} stands twice (line {line})")
                if name is not None and key.tag != "tag:yaml.org,2002:merge":
                    keys.add(name)
