"""Persistent contrastive divergence in plain torch, as one would write it.

Uncentred, with five matrix products an update: the chains are kept as hidden units.
"""

__all__ = ["learn"]

import torch


def learn(train, n_hidden, *, batch_size, compiled, learning_rate=0.01):
    """Make one update after another without end; yield the weights after each."""
    torch.manual_seed(0)
    rows = torch.tensor(train, dtype=torch.float32)
    weights = 0.01 * torch.randn(n_hidden, rows.shape[1])
    visible_bias, hidden_bias = torch.zeros(rows.shape[1]), torch.zeros(n_hidden)
    hidden = torch.bernoulli(torch.full((batch_size, n_hidden), 0.5))
    rate = learning_rate / batch_size

    def update(batch, hidden):
        data_mean = torch.sigmoid(torch.addmm(hidden_bias, batch, weights.T))
        visible_mean = torch.sigmoid(torch.addmm(visible_bias, hidden, weights))
        visible = (torch.rand_like(visible_mean) < visible_mean).float()
        model_mean = torch.sigmoid(torch.addmm(hidden_bias, visible, weights.T))
        weights.addmm_(data_mean.T, batch, alpha=rate)
        weights.addmm_(model_mean.T, visible, alpha=-rate)
        visible_bias.add_((batch - visible).sum(0), alpha=rate)
        hidden_bias.add_((data_mean - model_mean).sum(0), alpha=rate)
        return (torch.rand_like(model_mean) < model_mean).float()

    if compiled:
        update = torch.compile(update)
    with torch.no_grad():
        while True:
            for index in torch.randperm(len(rows)).split(batch_size):
                hidden = update(rows[index], hidden)
                yield weights
