"""What the models of PyTorch for record_pytorch.py are made of: parts of torch.nn with our parameters.

A model takes p, our parameters by our names, and the feeds of a batch; it gives its outputs, NaN where a position does not
count, and the loss of each phase. Convolutions here are channels first, and ours channels last; our weights of linear
layers are [in, out]."""
import numpy
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.nn.utils.stateless import functional_call

FAMILIES = {}
dice = numpy.random.default_rng(12)


def family(layer, config, **feeds):
    """layer: ours, whose values are the outputs."""
    def add(model):
        FAMILIES[model.__name__] = (layer, config, feeds, model)
        return model
    return add


def numbers(*shape):
    return dice.normal(size=shape).astype("f4")


def shares(*shape):
    return dice.uniform(0, 1, size=shape).astype("f4")


def whole(below, *shape, least=0):
    return dice.integers(least, below, size=shape).astype("i4")


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"].T, p.get(f"{name}.bias"))


def conv(p, name, x, **options):
    return F.conv2d(x, p[f"{name}.weight"].permute(3, 2, 0, 1).contiguous(), p.get(f"{name}.bias"), **options)


def conv_transpose(p, name, x, **options):
    return F.conv_transpose2d(x, p[f"{name}.weight"].permute(3, 2, 0, 1).contiguous(), p[f"{name}.bias"], **options)


def batch_norm(p, name, x, training):
    return F.batch_norm(x, p[f"{name}.mean"], p[f"{name}.variance"], p[f"{name}.gain"], p[f"{name}.offset"], training)


def batch_norm_of_pieces(p, name, x, training, rows):
    """Each microbatch of so many rows by itself; the running statistics take the mean over them."""
    running = [p[f"{name}.mean"], p[f"{name}.variance"]]
    if not training:
        return batch_norm(p, name, x, False)
    found = [[value.clone() for value in running] for _ in x.split(rows)]
    y = torch.cat([F.batch_norm(piece, *statistics, p[f"{name}.gain"], p[f"{name}.offset"], True)
                   for piece, statistics in zip(x.split(rows), found)])
    for value, all_of_them in zip(running, zip(*found)):
        value.copy_(torch.stack(all_of_them).mean(0))
    return y


def layer_norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.gain"], p[f"{name}.offset"])


def rms_norm(p, name, x):
    return p[f"{name}.gain"] * x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def flat(x):
    """In our order: height, width, channels."""
    return x.permute(0, 2, 3, 1).flatten(1)


def behind(lengths, positions):
    """Where a sequence has ended."""
    return torch.arange(positions) >= lengths[:, None]


def recurrent(p, name, cell, x, lengths=None, state=None, layers=1, both=False):
    """An nn.LSTM, nn.GRU or nn.RNN with our weights: a sequence, zeros behind its length."""
    units = p[next(key for key in p if key.startswith(name + ".") and key.endswith("recurrent_weight"))].shape[0]
    module = cell(x.shape[-1], units, layers, bidirectional=both, batch_first=True)
    module._flat_weights = []
    for layer in range(layers):
        for end in (".forward", ".backward") if both else ("",):
            own = f"{name}.layer{layer}{end}."
            bias, second = p[own + "bias"], torch.zeros_like(p[own + "bias"])
            if cell is nn.GRU:
                second = torch.cat([second[:2 * units], p[own + "candidate_bias"]])
            module._flat_weights += [p[own + "weight"].T.contiguous(), p[own + "recurrent_weight"].T.contiguous(), bias, second]
    if lengths is None:
        return module(x, state)[0]
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(module(packed, state)[0], batch_first=True, total_length=x.shape[1])[0]


def attention_weights(p, ours, theirs):
    parts = [f"{ours}.{part}" for part in ("qkv", "q", "kv") if f"{ours}.{part}.weight" in p]
    weight = torch.cat([p[f"{part}.weight"].T for part in parts])
    output = p[f"{ours}.output.weight"].T
    bias = torch.cat([p[f"{part}.bias"] for part in parts]) if f"{ours}.output.bias" in p else torch.zeros(len(weight))
    return {f"{theirs}.in_proj_weight": weight, f"{theirs}.in_proj_bias": bias, f"{theirs}.out_proj.weight": output,
            f"{theirs}.out_proj.bias": p.get(f"{ours}.output.bias", torch.zeros(len(output)))}


def with_weights(p, module, names, *inputs, **options):
    """A layer of nn with our weights: `names` says which of ours its parts have."""
    weights = {}
    for theirs, ours in names.items():
        if "attn" in theirs:
            weights.update(attention_weights(p, ours, theirs))
        elif "norm" in theirs:
            weights.update({f"{theirs}.weight": p[f"{ours}.gain"], f"{theirs}.bias": p[f"{ours}.offset"]})
        else:
            weights.update({f"{theirs}.weight": p[f"{ours}.weight"].T, f"{theirs}.bias": p[f"{ours}.bias"]})
    return functional_call(module, weights, inputs, options)


def attention(p, name, heads, x, memory, **options):
    module = nn.MultiheadAttention(x.shape[-1], heads, batch_first=True)
    return functional_call(module, {key[2:]: value for key, value in attention_weights(p, name, "a").items()},
                           (x, memory, memory), dict(options, need_weights=False))[0]


def encoder_names(at):
    return {"self_attn": f"{at}residual1.attention1", "norm1": f"{at}residual1.layer_norm1", "norm2": f"{at}residual2.layer_norm1",
            "linear1": f"{at}residual2.linear1", "linear2": f"{at}residual2.linear2"}


def encoder_layer(width, heads, inner, activation, norm_first=True):
    return nn.TransformerEncoderLayer(width, heads, inner, 0, activation, batch_first=True, norm_first=norm_first)


def causal(positions):
    return torch.ones(positions, positions, dtype=torch.bool).triu(1)


def waves(positions, width):
    rates = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(positions)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
