"""Tokenizers for the tests of this folder, whose helper modules are imported by plain name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from model.text.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def llama3_file() -> Path:
    """Llama 3's `tokenizer.model`, which CWM shares, from the package llama-models."""
    spec = importlib.util.find_spec("llama_models")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "llama3" / "tokenizer.model"


@pytest.fixture(scope="session")
def llama3(llama3_file: Path) -> Tokenizer:
    return Tokenizer.from_folder(llama3_file.parent)


@pytest.fixture(scope="session")
def tiny(tiny_tokenizer: str, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "tokenizer.json").write_text(tiny_tokenizer)
    return Tokenizer.from_folder(folder)
