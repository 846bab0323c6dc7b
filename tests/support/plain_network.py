"""Small networks as NumPy works them out in double, from a run's checkpoint: a convolution over one channel or a linear
layer, ReLU or tanh, and a linear layer; and the methods of `lockstep explain` on them, by their definitions."""
import itertools
import math

import lockstep
import numpy


class Network:
    def __init__(self, run, activation="relu"):
        read = lockstep.parameters(lockstep.newest_checkpoint(run))
        weights = {name.removeprefix("main."): value.astype("f8") for name, value in read.items()}
        self.tanh = activation == "tanh"
        self.kernel = weights["conv2d1.weight"][:, :, 0] if "conv2d1.weight" in weights else None
        first, last = ("conv2d1", "linear1") if self.kernel is not None else ("linear1", "linear2")
        self.first, self.bias = weights[first + ".weight"], weights[first + ".bias"]
        self.matrix, self.offset = weights[last + ".weight"], weights[last + ".bias"]
        self.mean, self.scale = weights.get("input.mean", 0.0), weights.get("input.scale", 1.0)

    def before(self, x):
        """What the activation is applied to."""
        if self.kernel is None:
            return (x - self.mean) * self.scale @ self.first + self.bias
        windows = numpy.lib.stride_tricks.sliding_window_view(x[..., 0], self.kernel.shape[:2], (1, 2))
        return numpy.einsum("nyxij,ijo->nyxo", windows, self.kernel) + self.bias

    def hidden(self, x):
        return numpy.tanh(self.before(x)) if self.tanh else numpy.maximum(self.before(x), 0)

    def answer(self, x):
        return self.hidden(x).reshape(len(x), -1) @ self.matrix + self.offset

    def slopes(self, x, outputs):
        """Of an output of each sample, by the values before the activation and by the inputs."""
        before = self.before(x)
        at = self.matrix.T[outputs].reshape(before.shape)
        at = at * (1 - numpy.tanh(before) ** 2 if self.tanh else before > 0)
        if self.kernel is None:
            return at, at @ self.first.T * self.scale
        by = numpy.zeros_like(x)
        for i, j in itertools.product(*map(range, self.kernel.shape[:2])):
            by[:, i:i + at.shape[1], j:j + at.shape[2], 0] += at @ self.kernel[i, j]
        return at, by

    def of(self, x, output):
        return self.answer(x)[:, output]


def integrated_gradients(network, sample, output, baseline, steps=512):
    middles = (numpy.arange(steps) + 0.5) / steps
    way = baseline + middles.reshape(-1, *[1] * sample.ndim) * (sample - baseline)
    return (sample - baseline) * network.slopes(way, numpy.full(steps, output))[1].mean(0)


def smooth_gradient(network, sample, output, draw, repeats=4096, noise=0.15):
    points = sample + draw.normal(size=(repeats, *sample.shape)) * noise * (sample.max() - sample.min())
    return network.slopes(points, numpy.full(repeats, output))[1].mean(0)


def covered(sample, baseline, masks):
    """A copy for each mask, with the baseline where it is true."""
    return numpy.where(masks, baseline, sample)


def occlusion(network, sample, output, baseline, masks):
    lost = network.of(sample[None], output) - network.of(covered(sample, baseline, masks), output)
    return numpy.tensordot(lost, masks, 1) / masks.sum(0)


def shapley(network, sample, output, baseline, masks):
    """Over all sets of features, which are the masks; each spreads its value over its numbers."""
    n = len(masks)
    sets = (numpy.arange(2 ** n)[:, None] >> numpy.arange(n) & 1).astype(bool)
    values = network.of(covered(sample, baseline, ~numpy.tensordot(sets, masks, 1)), output)
    result = numpy.zeros_like(sample)
    for i in range(n):
        without = numpy.flatnonzero(~sets[:, i])
        sizes = sets[without].sum(1)
        weights = numpy.array([math.factorial(s) * math.factorial(n - 1 - s) / math.factorial(n) for s in range(n)])
        result += masks[i] / masks[i].sum() * (weights[sizes] * (values[without | 1 << i] - values[without])).sum()
    return result
