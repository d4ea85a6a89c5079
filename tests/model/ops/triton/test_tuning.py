"""Block sizes are data: a default, and what differs by GPU."""

from __future__ import annotations

import tomllib
from importlib import resources

import torch

from model.ops.triton.tuning import parse_tuning, tuning_for

SECTIONS = tomllib.loads(resources.files("model.ops.triton").joinpath("tuning.toml").read_text())


def test_an_unknown_gpu_takes_the_default() -> None:
    assert parse_tuning(SECTIONS, "Some Other GPU") == tuning_for(torch.device("cpu"))


def test_the_longest_name_that_fits_counts_and_names_only_what_differs() -> None:
    sections = SECTIONS | {
        "GPU": {"decode": {"split": 64}},
        "GPU 2": {"decode": {"split": 128}},
        "GPU 22": {"decode": {"split": 256}},
    }
    default, found = parse_tuning(sections, "other"), parse_tuning(sections, "GPU 2 80GB")
    assert found.decode.split == 128
    assert found.decode.keys == default.decode.keys
    assert found.extend == default.extend


def test_every_listed_gpu_has_figures_for_known_kernels_only() -> None:
    for gpu, kernels in SECTIONS.items():
        assert kernels.keys() <= SECTIONS["default"].keys(), gpu
        parse_tuning(SECTIONS, gpu)
