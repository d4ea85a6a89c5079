"""What the network computes, whatever its weights."""

from __future__ import annotations

import torch

from cwm_agent.nano.training.batch import Sample, make_batch
from cwm_agent.nano.training.network import Network, Shape
from cwm_agent.nano.training.wiring import wire


def test_the_number_of_parameters_is_foretold(network: Network) -> None:
    assert sum(weight.numel() for weight in network.parameters()) == network.shape.parameters


def test_the_default_shape_keeps_its_file_under_the_limit() -> None:
    shape = Shape(vocabulary=2_048)
    assert shape.parameters < 5.9e6
    assert shape.full_layers == (0, 4, 7)


def test_loss_is_the_weighted_mean_over_chosen_places(network: Network) -> None:
    samples = [
        Sample(tuple(range(5, 45)), (9.0,) + (0.0,) * 19 + (0.3,) * 20),
        Sample(tuple(range(50, 80)), (0.0,) * 10 + (1.0,) * 20),
    ]
    batch = make_batch("sample", samples, 64)
    parts = (batch.ids, batch.places, batch.targets, batch.weights)
    loss = network(*map(torch.from_numpy, parts))
    total = weight_sum = 0.0
    for sample in samples:
        shares = network.logits(torch.tensor([sample.ids]))[0].detach().log_softmax(-1)
        for place in range(1, len(sample.ids)):
            total -= sample.weights[place] * float(shares[place - 1, sample.ids[place]])
            weight_sum += sample.weights[place]
    assert abs(float(loss.detach()) - total / weight_sum) < 1e-4


def test_padding_does_not_reach_what_stands_before_it(network: Network) -> None:
    ids = torch.arange(90)[None]
    padded = torch.cat((ids, torch.zeros(1, 38, dtype=torch.int64)), 1)
    alone, within = network.logits(ids), network.logits(padded)[:, :90]
    torch.testing.assert_close(alone, within, atol=1e-5, rtol=0)


def test_a_wired_network_copies_before_any_training() -> None:
    shape = Shape(vocabulary=1_300)
    piece = torch.randperm(1_300, generator=torch.Generator().manual_seed(0))[:60]
    ids = torch.cat((piece, piece))[None]
    right = []
    for wired in (False, True):
        fresh = Network(shape)
        fresh.initialise(seed=0)
        if wired:
            wire(fresh, seed=0)
        guessed = fresh.logits(ids)[0, 60:-1].argmax(-1)
        right.append(float((guessed == piece[1:]).float().mean()))
    assert right[0] < 0.1
    assert right[1] > 0.6
