"""Small models of tables and images: each as a config of ours, and as the same model of PyTorch (pytorch_parts.py)."""
import torch
import torch.nn.functional as F

from pytorch_parts import *


# Uneven last batch, several microbatches, one of each activation.
@family("linear9", """
loss: {label_smoothing: 0.1, class_weights: [1, 2, 0.5]}
model: [linear: 12, tanh, linear: 12, leaky_relu: 0.2, linear: 12, elu, linear: 12, gelu: tanh, linear: 12, silu,
        linear: 12, softplus, linear: 12, sigmoid, linear: 12, relu, linear: 3]
train: {batch: 8, microbatches: 4}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=numbers(20, 6), targets=whole(3, 20))
def perceptron(p, feed, training):
    x, gelu = feed["inputs"], lambda x: F.gelu(x, approximate="tanh")
    for i, act in enumerate([torch.tanh, lambda x: F.leaky_relu(x, 0.2), F.elu, gelu, F.silu, F.softplus, torch.sigmoid, F.relu]):
        x = act(linear(p, f"linear{i + 1}", x))
    y = linear(p, "linear9", x)
    return y, {"": F.cross_entropy(y, feed["targets"], torch.tensor([1, 2, 0.5]), label_smoothing=0.1)}


@family("linear1", """
model: [conv2d: {filters: 6, padding: same, bias: false}, batch_norm, relu, max_pool: 2, conv2d: {filters: 8, kernel: [3, 2], groups: 2},
        tanh, average_pool: {window: 2, stride: 1}, flatten, linear: 4]
train: {batch: 10, microbatches: 1}
optimizer: {name: momentum, learning_rate: 0.05, weight_decay: 0.01}
""", inputs=numbers(20, 10, 10, 2), targets=whole(4, 20))
def convolutional(p, feed, training):
    x = conv(p, "conv2d1", channels_first(feed["inputs"]), padding=1)
    x = F.max_pool2d(F.relu(batch_norm(p, "batch_norm1", x, training)), 2)
    x = F.avg_pool2d(torch.tanh(conv(p, "conv2d2", x, groups=2)), 2, 1)
    y = linear(p, "linear1", flat(x))
    return y, {"": F.cross_entropy(y, feed["targets"])}


# He et al. 2016: a block whose shortcut is a projection; then one with norms and activations before the convolutions.
@family("linear1", """
model:
  - conv2d: {filters: 4, padding: same, bias: false}
  - residual:
      body: [conv2d: {filters: 8, stride: 2, padding: same, bias: false}, batch_norm, relu,
             conv2d: {filters: 8, padding: same, bias: false}, batch_norm]
      shortcut: [conv2d: {filters: 8, kernel: 1, stride: 2, bias: false}, batch_norm]
  - residual:
      activation: none
      body: [batch_norm, relu, conv2d: {filters: 8, padding: same, bias: false}, batch_norm, relu, conv2d: {filters: 8, padding: same}]
  - global_average_pool
  - linear: 3
train: {batch: 8, microbatches: 1}
optimizer: {name: nesterov, learning_rate: 0.05, momentum: 0.8}
""", inputs=numbers(16, 7, 7, 3), targets=whole(3, 16))
def residual(p, feed, training):
    def norm(name, x):
        return batch_norm(p, name, x, training)
    x = conv(p, "conv2d1", channels_first(feed["inputs"]), padding=1)
    body = F.relu(norm("residual1.batch_norm1", conv(p, "residual1.conv2d1", x, stride=2, padding=1)))
    body = norm("residual1.batch_norm2", conv(p, "residual1.conv2d2", body, padding=1))
    shortcut = norm("residual1.shortcut.batch_norm1", conv(p, "residual1.shortcut.conv2d1", x, stride=2))
    x = F.relu(body + shortcut)
    body = conv(p, "residual2.conv2d1", F.relu(norm("residual2.batch_norm1", x)), padding=1)
    x = x + conv(p, "residual2.conv2d2", F.relu(norm("residual2.batch_norm2", body)), padding=1)
    y = linear(p, "linear1", x.mean((2, 3)))
    return y, {"": F.cross_entropy(y, feed["targets"])}


@family("sigmoid1", """
task: custom
model: [conv2d: {filters: 4, stride: 2, padding: 1}, relu, conv2d: {filters: 6, stride: 2, padding: 1}, group_norm: 3, tanh,
        conv_transpose2d: {filters: 4, kernel: 4, stride: 2, padding: 1}, group_norm: 2, relu,
        conv_transpose2d: {filters: 2, stride: 2, padding: 1, output_padding: 1}, sigmoid]
losses: [squared_error: {target: inputs}]
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=shares(16, 8, 8, 2))
def autoencoder(p, feed, training):
    x = F.relu(conv(p, "conv2d1", channels_first(feed["inputs"]), stride=2, padding=1))
    x = conv(p, "conv2d2", x, stride=2, padding=1)
    x = torch.tanh(F.group_norm(x, 3, p["group_norm1.gain"], p["group_norm1.offset"]))
    x = conv_transpose(p, "conv_transpose2d1", x, stride=2, padding=1)
    x = F.relu(F.group_norm(x, 2, p["group_norm2.gain"], p["group_norm2.offset"]))
    y = torch.sigmoid(conv_transpose(p, "conv_transpose2d2", x, stride=2, padding=1, output_padding=1)).permute(0, 2, 3, 1)
    return y, {"": F.mse_loss(y, feed["inputs"])}


# One network looks at both; distances of two kinds judge them.
@family("compare.linear1", """
task: custom
data: {feeds: {first: first, second: second, same: same}}
model:
  look: [linear: 10, tanh, linear: 4]
  compare:
    - network: {from: first, of: look, name: one}
    - network: {from: second, of: look, name: other}
    - distance: {of: [one, other], name: apart}
    - distance: {of: [one, other], kind: cosine}
    - linear: 1
losses:
  - contrastive: {from: compare.apart, target: same, margin: 2, name: near}
  - binary_cross_entropy: {target: same, weight: 0.5, name: alike}
train: {batch: 8, microbatches: 2}
optimizer: {name: rmsprop, learning_rate: 0.001, centred: true}
""", first=numbers(16, 6), second=numbers(16, 6), same=whole(2, 16, 1))
def siamese(p, feed, training):
    one, other = (linear(p, "look.linear2", torch.tanh(linear(p, "look.linear1", feed[side]))) for side in ("first", "second"))
    y = linear(p, "compare.linear1", 1 - F.cosine_similarity(one, other)[:, None])
    same = feed["same"].to(y.dtype)
    apart = (one - other).norm(dim=1, keepdim=True)
    near = (same * apart**2 + (1 - same) * F.relu(2 - apart)**2).mean() / 2
    return y, {"": near + 0.5 * F.binary_cross_entropy_with_logits(y, same)}


@family("linear2", """
task: custom
data: {feeds: {inputs: inputs, boxes: boxes, kinds: kinds}}
model: [conv2d: {filters: 6, stride: 2}, relu, flatten: {name: seen}, linear: {units: 4, name: box}, linear: {units: 3, from: seen}]
losses:
  - cross_entropy: {target: kinds, name: kind}
  - box: {from: box, target: boxes, weight: 2, name: place}
train: {batch: 8, microbatches: 2}
optimizer: {name: adamw, learning_rate: 0.001, weight_decay: 0.1}
""", inputs=numbers(16, 9, 9, 1), boxes=shares(16, 4), kinds=whole(3, 16))
def detection(p, feed, training):
    seen = flat(F.relu(conv(p, "conv2d1", channels_first(feed["inputs"]), stride=2)))
    y = linear(p, "linear2", seen)
    place = F.huber_loss(linear(p, "box", seen), feed["boxes"], delta=0.1)
    return y, {"": F.cross_entropy(y, feed["kinds"]) + 2 * place}


# Noise as a feed: what our own generator draws, PyTorch's cannot draw.
@family("linear5", """
task: custom
data: {feeds: {inputs: inputs, noise: noise}}
model:
  - linear: 12
  - relu: {name: hidden}
  - linear: {units: 3, name: mean}
  - linear: {units: 3, name: log_variance, from: hidden}
  - scale: 0.5
  - exp: {name: deviation}
  - multiply: {of: [deviation, noise], name: drawn}
  - add: {of: [mean, drawn]}
  - linear: 12
  - relu
  - linear: 10
losses:
  - binary_cross_entropy: {target: inputs, sum: true, name: reconstruction}
  - kl_normal: {from: mean, log_variance: log_variance, name: divergence}
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=shares(16, 10), noise=numbers(16, 3))
def variational(p, feed, training):
    hidden = F.relu(linear(p, "linear1", feed["inputs"]))
    mean, log_variance = linear(p, "mean", hidden), linear(p, "log_variance", hidden)
    code = mean + torch.exp(log_variance / 2) * feed["noise"]
    y = linear(p, "linear5", F.relu(linear(p, "linear4", code)))
    target, wanted = (torch.distributions.Normal(0 * mean, 1), torch.distributions.Normal(mean, torch.exp(log_variance / 2)))
    divergence = torch.distributions.kl_divergence(wanted, target).sum(1).mean()
    return y, {"": F.binary_cross_entropy_with_logits(y, feed["inputs"], reduction="none").sum(1).mean() + divergence}


@family("generator.linear2", """
task: gan
data: {feeds: {inputs: inputs, noise: noise}}
model:
  generator: [input: noise, linear: 10, relu, linear: 5]
  discriminator: [linear: 10, leaky_relu: 0.2, layer_norm, linear: 1]
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002, beta1: 0.5}
""", inputs=numbers(16, 5), noise=numbers(16, 3))
def adversaries(p, feed, training):
    def judged(x):
        x = F.leaky_relu(linear(p, "discriminator.linear1", x), 0.2)
        return linear(p, "discriminator.linear2", layer_norm(p, "discriminator.layer_norm1", x))
    y = linear(p, "generator.linear2", F.relu(linear(p, "generator.linear1", feed["noise"])))
    real, made = judged(feed["inputs"]), judged(y)
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    loss = F.binary_cross_entropy_with_logits
    return y, {"discriminator.": loss(real, ones) + loss(made, zeros), "generator.": loss(made, ones)}


# Enough channels for convolutions by Winograd's algorithm, F(4x4). It leaves some 1e-9 of a gradient that is 0, as that of
# a weight between units that are never on together, and Adam would make a step of that.
@family("add1", """
task: custom
model:
  - average_pool: {window: 2, name: small}
  - conv2d: {filters: 16, padding: same}
  - relu
  - residual: {body: [conv2d: {filters: 16, padding: same}, relu, conv2d: {filters: 16, padding: same}]}
  - upsample: 2
  - conv2d: {filters: 1, padding: same, name: details}
  - upsample: {from: small, factor: 2, name: coarse}
  - add: {of: [details, coarse]}
losses: [squared_error: {target: inputs}]
train: {batch: 4, microbatches: 2}
optimizer: {name: momentum, learning_rate: 0.05}
""", inputs=shares(8, 20, 20, 1))
def upscaling(p, feed, training):
    small = F.avg_pool2d(channels_first(feed["inputs"]), 2)
    x = F.relu(conv(p, "conv2d1", small, padding=1))
    body = F.relu(conv(p, "residual1.conv2d1", x, padding=1))
    x = F.relu(x + conv(p, "residual1.conv2d2", body, padding=1))
    details = conv(p, "details", F.interpolate(x, scale_factor=2), padding=1)
    y = (details + F.interpolate(small, scale_factor=2)).permute(0, 2, 3, 1)
    return y, {"": F.mse_loss(y, feed["inputs"])}


# A batch norm over each microbatch of 4, an uneven last batch, several judges of one layer.
@family("linear5", """
task: custom
model:
  - linear: {units: 10, bias: false}
  - batch_norm
  - tanh: {name: hidden}
  - linear: {units: 2, name: median}
  - linear: {units: 2, name: high, from: hidden}
  - linear: {units: 2, name: log_variance, from: hidden}
  - linear: {units: 2, from: hidden}
losses:
  - gaussian_nll: {log_variance: log_variance, name: density}
  - huber: {delta: 0.5, weight: 0.5, from: linear5, name: mean}
  - absolute_error: {from: median, name: median}
  - quantile: {from: high, quantile: 0.9, sum: true, name: high}
train: {batch: 8, microbatches: 2}
optimizer: {name: adagrad, learning_rate: 0.02}
""", inputs=numbers(20, 6), targets=numbers(20, 2))
def several_errors(p, feed, training):
    hidden = torch.tanh(batch_norm_of_pieces(p, "batch_norm1", linear(p, "linear1", feed["inputs"]), training, 4))
    y, t = linear(p, "linear5", hidden), feed["targets"]
    density = F.gaussian_nll_loss(y, t, linear(p, "log_variance", hidden).exp(), full=True)
    error = t - linear(p, "high", hidden)
    high = torch.maximum(0.9 * error, -0.1 * error).sum(1).mean()
    return y, {"": density + 0.5 * F.huber_loss(y, t, delta=0.5) + F.l1_loss(linear(p, "median", hidden), t) + high}


@family("compare.far", """
task: custom
data: {feeds: {anchor: anchor, same: same, other: other}}
model:
  look: [linear: 10, gelu, linear: {units: 4, bias: false}]
  compare:
    - network: {from: anchor, of: look, name: here}
    - network: {from: same, of: look, name: one}
    - network: {from: other, of: look, name: another}
    - distance: {of: [here, one], name: near}
    - distance: {of: [here, another], name: far}
losses: [triplet: {from: compare.near, far: compare.far, margin: 4}]
train: {batch: 8, microbatches: 2}
optimizer: {name: rmsprop, learning_rate: 0.002}
""", anchor=numbers(16, 6), same=numbers(16, 6), other=numbers(16, 6))
def triplets(p, feed, training):
    def squared(a, b):
        return ((a - b)**2).sum(1)
    anchor, same, other = (linear(p, "look.linear2", F.gelu(linear(p, "look.linear1", feed[side]))) for side in ("anchor", "same", "other"))
    loss = F.triplet_margin_with_distance_loss(anchor, same, other, distance_function=squared, margin=4)
    return squared(anchor, other)[:, None], {"": loss}


# Tolstikhin et al. 2021: a layer along the patches, one along the channels.
@family("linear1", """
model:
  - conv2d: {filters: 6, kernel: 4, stride: 4}
  - reshape: [4, 6]
  - residual: {activation: none, body: [layer_norm, transpose: [2, 1], linear: 8, gelu, linear: {units: 4, bias: false}, transpose: [2, 1]]}
  - residual: {activation: none, body: [layer_norm, linear: 12, gelu, linear: 6]}
  - layer_norm
  - reduce: max
  - linear: 3
train: {batch: 8, microbatches: 2}
optimizer: {name: adamw, learning_rate: 0.002, weight_decay: 0.1}
""", inputs=numbers(16, 8, 8, 3), targets=whole(3, 16))
def mixer(p, feed, training):
    def mixed(at, x):
        return linear(p, f"{at}.linear2", F.gelu(linear(p, f"{at}.linear1", x)))
    x = conv(p, "conv2d1", channels_first(feed["inputs"]), stride=4).flatten(2).transpose(1, 2)
    x = x + mixed("residual1", layer_norm(p, "residual1.layer_norm1", x).transpose(1, 2)).transpose(1, 2)
    x = x + mixed("residual2", layer_norm(p, "residual2.layer_norm1", x))
    y = linear(p, "linear1", layer_norm(p, "layer_norm1", x).max(1)[0])
    return y, {"": F.cross_entropy(y, feed["targets"])}
