"""Small models of sequences: each as a config of ours, and as the same model of PyTorch (pytorch_parts.py)."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from pytorch_parts import *


@family("add_level1", """
task: regression
model: [from_last: {name: level}, conv1d: {filters: 6, padding: causal}, relu, conv1d: {filters: 6, padding: causal, dilation: 2}, relu,
        conv1d: {filters: 6, padding: causal, dilation: 4}, relu, last, linear: 6, reshape: [3, 2], add_level: {level: level}]
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=numbers(16, 14, 2), targets=numbers(16, 3, 2))
def forecast(p, feed, training):
    level = feed["inputs"][:, -1:]
    x = (feed["inputs"] - level).transpose(1, 2)
    for i in range(3):
        weight = p[f"conv1d{i + 1}.weight"][0].permute(2, 1, 0)
        x = F.relu(F.conv1d(F.pad(x, (2 * 2**i, 0)), weight, p[f"conv1d{i + 1}.bias"], dilation=2**i))
    y = linear(p, "linear1", x[:, :, -1]).view(-1, 3, 2) + level
    return y, {"": F.mse_loss(y, feed["targets"])}


@family("linear1", """
data: {feeds: {inputs: inputs, targets: targets, lengths: lengths}}
model: [rnn: {units: 8, lengths: lengths}, last: {lengths: lengths}, linear: 3]
train: {batch: 8, microbatches: 2}
optimizer: {name: rmsprop, learning_rate: 0.002, centred: true, rmsprop_momentum: 0.5}
""", inputs=numbers(16, 9, 4), targets=whole(3, 16), lengths=whole(10, 16, least=1))
def rnn(p, feed, training):
    x = recurrent(p, "rnn1", nn.RNN, feed["inputs"], feed["lengths"])
    y = linear(p, "linear1", x[torch.arange(len(x)), feed["lengths"] - 1])
    return y, {"": F.cross_entropy(y, feed["targets"])}


@family("linear1", """
task: language_model
data: {feeds: {inputs: inputs, targets: targets, lengths: lengths}}
losses: [cross_entropy: {lengths: lengths, name: words}]
model: [embedding: {vocabulary: 11, width: 6}, gru: {units: 8, lengths: lengths}, linear: 11]
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=whole(11, 16, 9), targets=whole(11, 16, 9), lengths=whole(10, 16, least=1))
def gru(p, feed, training):
    end = behind(feed["lengths"], 9)
    x = recurrent(p, "gru1", nn.GRU, p["embedding1.weight"][feed["inputs"]], feed["lengths"])
    y = linear(p, "linear1", x).masked_fill(end[:, :, None], math.nan)
    return y, {"": F.cross_entropy(y[~end], feed["targets"][~end])}


@family("linear1", """
task: regression
data: {feeds: {inputs: inputs, targets: targets, lengths: lengths}}
model: [lstm: {units: 5, layers: 2, bidirectional: true, lengths: lengths}, reduce: {kind: mean, lengths: lengths}, linear: 2]
train: {batch: 8, microbatches: 2}
optimizer: {name: adamw, learning_rate: 0.002, weight_decay: 0.1}
""", inputs=numbers(16, 9, 4), targets=numbers(16, 2), lengths=whole(10, 16, least=1))
def lstm(p, feed, training):
    x = recurrent(p, "lstm1", nn.LSTM, feed["inputs"], feed["lengths"], layers=2, both=True)
    y = linear(p, "linear1", x.sum(1) / feed["lengths"][:, None])
    return y, {"": F.mse_loss(y, feed["targets"])}


# An LSTM that begins in what another one has read, and looks at all of it (Luong et al. 2015).
@family("linear2", """
task: language_model
data: {feeds: {source: source, source_length: source_length, before: before, targets: targets}}
model:
  - input: source
  - embedding: {vocabulary: 9, width: 6}
  - lstm: {name: memory, units: 4, bidirectional: true, lengths: source_length}
  - reduce: {kind: mean, lengths: source_length}
  - linear: 8
  - tanh: {name: summary}
  - input: before
  - embedding: {vocabulary: 10, width: 6}
  - lstm: {name: decoder, units: 8, state: summary}
  - attention: {name: context, memory: memory, lengths: source_length, bias: false}
  - concat: {of: [decoder, context]}
  - linear: 10
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", source=whole(9, 16, 7), source_length=whole(8, 16, least=1), before=whole(10, 16, 5), targets=whole(10, 16, 5))
def lstm_that_looks_back(p, feed, training):
    memory = recurrent(p, "memory", nn.LSTM, p["embedding1.weight"][feed["source"]], feed["source_length"], both=True)
    summary = torch.tanh(linear(p, "linear1", memory.sum(1) / feed["source_length"][:, None]))[None]
    x = recurrent(p, "decoder", nn.LSTM, p["embedding2.weight"][feed["before"]], state=(summary, torch.zeros_like(summary)))
    seen = attention(p, "context", 1, x, memory, key_padding_mask=behind(feed["source_length"], 7))
    y = linear(p, "linear2", torch.cat([x, seen], -1))
    return y, {"": F.cross_entropy(y.flatten(0, 1), feed["targets"].flatten())}


@family("linear1", """
task: language_model
model:
  - embedding: {vocabulary: 13, width: 8, name: tokens, init: normal, init_scale: 0.3}
  - position
  - repeat:
      name: blocks
      times: 2
      body:
        - residual: {activation: none, body: [layer_norm, attention: {heads: 2, causal: true, bias: false}]}
        - residual: {activation: none, body: [layer_norm, linear: 16, gelu, linear: 8]}
  - layer_norm
  - linear: {weight_of: tokens, bias: false}
train: {batch: 6, microbatches: 2}
optimizer: {name: adamw, learning_rate: 0.002, beta2: 0.99, weight_decay: 0.1, clip_norm: 1}
""", inputs=whole(13, 12, 8), targets=whole(13, 12, 8))
def gpt(p, feed, training):
    x = p["tokens.weight"].T[feed["inputs"]] + p["position1.weight"]
    for block in range(2):
        x = with_weights(p, encoder_layer(8, 2, 16, "gelu"), encoder_names(f"blocks.block{block}."), x, src_mask=causal(8))
    y = layer_norm(p, "layer_norm1", x) @ p["tokens.weight"]
    return y, {"": F.cross_entropy(y.flatten(0, 1), feed["targets"].flatten())}


# Norms behind the sums, as in the paper (Devlin et al. 2019); some labels do not count.
@family("linear1", """
data: {feeds: {inputs: inputs, targets: targets, lengths: lengths}}
loss: {ignored_label: 0}
model:
  - embedding: {vocabulary: 13, width: 8}
  - position
  - residual: {activation: none, body: [attention: {heads: 2, lengths: lengths, bias: false}]}
  - layer_norm
  - residual: {activation: none, body: [linear: 16, gelu, linear: 8]}
  - layer_norm
  - linear: 13
train: {batch: 6, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=whole(13, 12, 8), targets=whole(13, 12, 8) * (dice.uniform(size=(12, 8)) < 0.5), lengths=whole(9, 12, least=2))
def bert(p, feed, training):
    x = p["embedding1.weight"][feed["inputs"]] + p["position1.weight"]
    names = dict(encoder_names(""), norm1="layer_norm1", norm2="layer_norm2")
    x = with_weights(p, encoder_layer(8, 2, 16, "gelu", norm_first=False), names, x,
                     src_key_padding_mask=behind(feed["lengths"], 8))
    y = linear(p, "linear1", x)
    return y, {"": F.cross_entropy(y.flatten(0, 1), feed["targets"].flatten(), ignore_index=0)}


@family("linear1", """
task: language_model
data: {feeds: {source: source, source_length: source_length, before: before, before_length: before_length, targets: targets}}
loss: {label_smoothing: 0.1}
model:
  - input: source
  - embedding: {vocabulary: 9, width: 8}
  - position: sinusoidal
  - residual: {activation: none, body: [layer_norm, attention: {heads: 2, lengths: source_length, bias: false}]}
  - residual: {activation: none, body: [layer_norm, linear: 16, relu, linear: 8]}
  - layer_norm: {name: memory}
  - input: before
  - embedding: {vocabulary: 10, width: 8}
  - position: sinusoidal
  - residual: {activation: none, body: [layer_norm, attention: {heads: 2, causal: true, lengths: before_length, bias: false}]}
  - residual: {activation: none, body: [layer_norm, attention: {heads: 2, memory: memory, lengths: source_length, bias: false}]}
  - residual: {activation: none, body: [layer_norm, linear: 16, relu, linear: 8]}
  - linear: 10
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002, beta2: 0.98}
""", source=whole(9, 16, 7), source_length=whole(8, 16, least=1), before=whole(10, 16, 5), before_length=whole(6, 16, least=1),
        targets=whole(10, 16, 5))
def encoder_and_decoder(p, feed, training):
    ends = behind(feed["source_length"], 7)
    memory = p["embedding1.weight"][feed["source"]] + waves(7, 8)
    memory = with_weights(p, encoder_layer(8, 2, 16, "relu"), encoder_names(""), memory, src_key_padding_mask=ends)
    memory = layer_norm(p, "memory", memory)
    x = p["embedding2.weight"][feed["before"]] + waves(5, 8)
    names = {"self_attn": "residual3.attention1", "norm1": "residual3.layer_norm1", "multihead_attn": "residual4.attention1",
             "norm2": "residual4.layer_norm1", "norm3": "residual5.layer_norm1", "linear1": "residual5.linear1",
             "linear2": "residual5.linear2"}
    layer = nn.TransformerDecoderLayer(8, 2, 16, 0, "relu", batch_first=True, norm_first=True)
    x = with_weights(p, layer, names, x, memory, tgt_mask=causal(5), memory_key_padding_mask=ends,
                     tgt_key_padding_mask=behind(feed["before_length"], 5))
    y = linear(p, "linear1", x)
    return y, {"": F.cross_entropy(y.flatten(0, 1), feed["targets"].flatten(), label_smoothing=0.1)}


@family("linear1", """
model:
  - conv2d: {filters: 8, kernel: 4, stride: 4}
  - reshape: [4, 8]
  - class_token: {init: normal, init_scale: 0.5}
  - position: {init_scale: 0.5}
  - residual: {activation: none, body: [layer_norm, attention: 2]}
  - residual: {activation: none, body: [layer_norm, linear: 16, gelu, linear: 8]}
  - layer_norm
  - take: 0
  - linear: 3
train: {batch: 8, microbatches: 2}
optimizer: {name: momentum, learning_rate: 0.02}
""", inputs=numbers(16, 8, 8, 3), targets=whole(3, 16))
def vision_transformer(p, feed, training):
    x = conv(p, "conv2d1", channels_first(feed["inputs"]), stride=4).flatten(2).transpose(1, 2)
    x = torch.cat([p["class_token1.weight"].expand(len(x), 1, 8), x], 1) + p["position1.weight"]
    x = with_weights(p, encoder_layer(8, 2, 16, "gelu"), encoder_names(""), x)
    y = linear(p, "linear1", layer_norm(p, "layer_norm1", x)[:, 0])
    return y, {"": F.cross_entropy(y, feed["targets"])}


# Rotary positions, RMS norms, gated layers (Touvron et al. 2023).
@family("linear1", """
task: language_model
model:
  - embedding: {vocabulary: 13, width: 8}
  - residual: {activation: none, body: [rms_norm, attention: {heads: 2, causal: true, rotary: true, bias: false}]}
  - residual:
      activation: none
      body: [rms_norm, multiply: {branches: [sequential: {body: [linear: {units: 12, bias: false}, silu]}, linear: {units: 12, bias: false}]},
             linear: {units: 8, bias: false}]
  - rms_norm
  - linear: {units: 13, bias: false}
train: {batch: 6, microbatches: 2}
optimizer: {name: adamw, learning_rate: 0.002, weight_decay: 0.1}
""", inputs=whole(13, 12, 8), targets=whole(13, 12, 8))
def llama(p, feed, training):
    def turned(x):
        angles = torch.arange(8)[:, None] * 10000 ** (-torch.arange(0, 4, 2) / 4)
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], 2, 2).contiguous())
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)
    x = p["embedding1.weight"][feed["inputs"]]
    q, k, v = linear(p, "residual1.attention1.qkv", rms_norm(p, "residual1.rms_norm1", x)).view(-1, 8, 3, 2, 4).permute(2, 0, 3, 1, 4)
    scores = (turned(q) @ turned(k).transpose(-1, -2) / 2).masked_fill(causal(8), -math.inf)
    x = x + linear(p, "residual1.attention1.output", (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    inner = rms_norm(p, "residual2.rms_norm1", x)
    gate = F.silu(linear(p, "residual2.multiply1.sequential1.linear1", inner))
    x = x + linear(p, "residual2.linear1", gate * linear(p, "residual2.multiply1.linear1", inner))
    y = linear(p, "linear1", rms_norm(p, "rms_norm1", x))
    return y, {"": F.cross_entropy(y.flatten(0, 1), feed["targets"].flatten())}


# Ilse et al. 2018: the mean over a bag by gated attention, with their scores / sqrt(6).
@family("linear2", """
data: {feeds: {inputs: inputs, targets: targets, lengths: lengths}}
model: [linear: 6, relu, attention_pooling: {gated: true, lengths: lengths}, linear: 3]
train: {batch: 8, microbatches: 2}
optimizer: {name: adam, learning_rate: 0.002}
""", inputs=numbers(16, 7, 4), targets=whole(3, 16), lengths=whole(8, 16, least=1))
def bags(p, feed, training):
    h = F.relu(linear(p, "linear1", feed["inputs"]))
    keys = torch.tanh(linear(p, "attention_pooling1.keys", h)) * torch.sigmoid(linear(p, "attention_pooling1.gate", h))
    scores = (keys @ p["attention_pooling1.query"] / math.sqrt(6)).masked_fill(behind(feed["lengths"], 7), -math.inf)
    y = linear(p, "linear2", (torch.softmax(scores, 1)[:, :, None] * h).sum(1))
    return y, {"": F.cross_entropy(y, feed["targets"])}
