"""Models of PyTorch as people write them, in PyTorch's and well-known names; for each, our config and the map that
`lockstep import-weights` takes its weights by. For record_weights.py."""
import math

import numpy
import torch
import torch.nn.functional as F
from torch import nn

MODELS = {}
dice = numpy.random.default_rng(7)


def model(layer, config, names, store=torch.float32, leave=(), **feeds):
    """layer: ours, whose values are the outputs. names: the map, YAML. store: the type in the file; leave: tensors that are
    not stored. feeds: what the data has; images are channels last there."""
    def add(make):
        MODELS[make.__name__] = dict(layer=layer, config=config.lstrip(), map=names.lstrip(), store=store, leave=leave,
                                     feeds=feeds, make=make)
        return make
    return add


def numbers(*shape):
    return dice.normal(size=shape).astype("f4")


def whole(below, *shape):
    return dice.integers(below, size=shape).astype("i4")


class Block(nn.Module):
    """He et al. 2016. Shortcuts between stages: A thins out and pads, B projects."""

    def __init__(self, inputs, outputs, stride, option):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.pad, self.downsample = (outputs - inputs) // 2, None
        if stride > 1 and option == "B":
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.stride = stride

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.downsample:
            return F.relu(y + self.downsample(x))
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad)))


class ResNet(nn.Module):
    def __init__(self, width, blocks, option, channels=3, classes=10):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        for stage in range(3):
            outputs = width << stage
            layers = [Block(outputs if i or not stage else outputs // 2, outputs, 2 if stage and not i else 1, option)
                      for i in range(blocks)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, inputs):
        x = F.relu(self.bn1(self.conv1(inputs.permute(0, 3, 1, 2))))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def resnet_config(width, blocks, option):
    def body(filters, stride):
        return (f"[conv2d: {{filters: {filters}, stride: {stride}, padding: 1, bias: false}}, batch_norm, relu,"
                f" conv2d: {{filters: {filters}, padding: same, bias: false}}, batch_norm]")
    text = f"model:\n  - conv2d: {{filters: {width}, padding: same, bias: false}}\n  - batch_norm\n  - relu\n"
    for stage in range(3):
        filters = width << stage
        for i in range(blocks):
            shortcut = ""
            if stage and not i:
                shortcut = (f", shortcut: [shortcut: {{stride: 2, channels: {filters}}}]" if option == "A" else
                            f", shortcut: [conv2d: {{filters: {filters}, kernel: 1, stride: 2, bias: false}}, batch_norm]")
            text += f"  - residual: {{name: stage{stage + 1}_{i}, body: {body(filters, 2 if stage and not i else 1)}{shortcut}}}\n"
    return text + "  - global_average_pool\n  - linear: 10\ntrain: {batch: 8, microbatches: 1}\n"


RESNET_MAP = """
conv1: conv2d1
bn1: batch_norm1
"layer*.*.conv*": stage*_*.conv2d*
"layer*.*.bn*": stage*_*.batch_norm*
"layer*.*.downsample.0": stage*_*.shortcut.conv2d1
"layer*.*.downsample.1": stage*_*.shortcut.batch_norm1
fc: linear1
"""


# Without projections there is nothing for a rule to take, so the map has none for them.
@model("linear1", resnet_config(4, 1, "A"), RESNET_MAP.replace(*(RESNET_MAP[RESNET_MAP.index('"layer*.*.down'):RESNET_MAP.index("fc")], "")),
       store=torch.float16, inputs=numbers(6, 12, 12, 3), targets=whole(10, 6))
def resnet():
    return ResNet(4, 1, "A")


@model("linear1", resnet_config(4, 1, "B"), RESNET_MAP, store=torch.bfloat16, inputs=numbers(6, 11, 11, 3), targets=whole(10, 6))
def projecting_resnet():
    return ResNet(4, 1, "B")


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.c_attn, self.c_proj, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x):
        rows, positions, width = x.shape
        q, k, v = self.c_attn(x).view(rows, positions, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
        hidden = torch.ones(positions, positions, dtype=torch.bool).triu(1)
        y = scores.masked_fill(hidden, -math.inf).softmax(-1) @ v
        return self.c_proj(y.transpose(1, 2).reshape(rows, positions, width))


class Decoder(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(width), Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(width, 4 * width), c_proj=nn.Linear(4 * width, width)))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    """In nanoGPT's names."""

    def __init__(self, words, positions, width, heads, layers, tied):
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(words, width), wpe=nn.Embedding(positions, width),
            h=nn.ModuleList([Decoder(width, heads) for _ in range(layers)]), ln_f=nn.LayerNorm(width)))
        self.lm_head = nn.Linear(width, words, bias=False)
        if tied:
            self.transformer.wte.weight = self.lm_head.weight

    def forward(self, inputs):
        t = self.transformer
        x = t.wte(inputs) + t.wpe.weight
        for block in t.h:
            x = block(x)
        return self.lm_head(t.ln_f(x))


def gpt_config(words, width, heads, layers, tied):
    head = "{weight_of: tokens, bias: false, name: head}" if tied else f"{{units: {words}, bias: false, name: head}}"
    return f"""task: language_model
model:
  - embedding: {{vocabulary: {words}, width: {width}, name: tokens}}
  - position
  - repeat:
      name: blocks
      times: {layers}
      body:
        - residual: {{activation: none, body: [layer_norm, attention: {{heads: {heads}, causal: true}}]}}
        - residual: {{activation: none, body: [layer_norm, linear: {4 * width}, gelu, linear: {width}]}}
  - layer_norm
  - linear: {head}
train: {{batch: 6, microbatches: 2}}
"""


GPT_MAP = """
transformer.wte: tokens
transformer.wpe: position1
"transformer.h.*.ln_1": blocks.block*.residual1.layer_norm1
"transformer.h.*.attn": blocks.block*.residual1.attention1
"transformer.h.*.ln_2": blocks.block*.residual2.layer_norm1
"transformer.h.*.mlp.c_fc": blocks.block*.residual2.linear1
"transformer.h.*.mlp.c_proj": blocks.block*.residual2.linear2
transformer.ln_f: layer_norm1
lm_head: head
"""


@model("head", gpt_config(13, 12, 3, 2, False), GPT_MAP, inputs=whole(13, 6, 8), targets=whole(13, 6, 8))
def gpt():
    return GPT(13, 8, 12, 3, 2, False)


# GPT-2's own layout: [in, out]; the square ones must be said. The head is the table's.
@model("head", gpt_config(13, 12, 3, 1, True), GPT_MAP.replace("lm_head: head\n", "lm_head:\n") + """
"transformer.h.*.attn.c_proj": {to: blocks.block*.residual1.attention1.c_proj, layout: in_out}
""", store=torch.float64, inputs=whole(13, 6, 8), targets=whole(13, 6, 8))
def gpt2():
    module = GPT(13, 8, 12, 3, 1, True)
    module.turned = "c_attn.weight", "c_proj.weight", "c_fc.weight"
    return module


# Rows of an image: channels first in PyTorch, last here.
@model("linear2", """
model: [conv2d: 4, relu, max_pool: 2, flatten, linear: 6, batch_norm, relu, linear: 3]
train: {batch: 6, microbatches: 1}
""", """
features.0: conv2d1
classifier.0: linear1
classifier.1: batch_norm1
classifier.3: linear2
""", inputs=numbers(6, 8, 10, 2), targets=whole(3, 6))
def classifier():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
            self.classifier = nn.Sequential(nn.Linear(48, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))

        def forward(self, inputs):
            return self.classifier(self.features(inputs.permute(0, 3, 1, 2)).flatten(1))
    return Classifier()


# The same the other way round; its norm lies between.
@model("tanh1", """
task: custom
model: [linear: 48, batch_norm, relu, reshape: [3, 4, 4], conv_transpose2d: {filters: 2, kernel: 4, stride: 2, padding: 1}, tanh]
losses: [squared_error: {target: images}]
data: {feeds: {inputs: inputs, images: images}}
train: {batch: 6, microbatches: 1}
""", """
fc: linear1
bn: batch_norm1
up: conv_transpose2d1
""", inputs=numbers(6, 5), images=numbers(6, 6, 8, 2))
def generator():
    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.bn, self.up = nn.Linear(5, 48), nn.BatchNorm1d(48), nn.ConvTranspose2d(4, 2, 4, 2, 1)

        def forward(self, inputs):
            x = F.relu(self.bn(self.fc(inputs))).view(-1, 4, 3, 4)
            return torch.tanh(self.up(x)).permute(0, 2, 3, 1)
    return Generator()


# Two biases are one here, but for a gru's candidate; sequences out of convolutions are channels first, too.
@model("linear1", """
model:
  - conv1d: {filters: 4, padding: same}
  - lstm: {units: 3, layers: 2, bidirectional: true}
  - gru: 5
  - conv1d: {filters: 3, padding: valid}
  - flatten
  - linear: 3
train: {batch: 6, microbatches: 1}
""", """
conv: conv1d1
lstm: lstm1
gru: gru1
out: conv1d2
fc: linear1
""", inputs=numbers(6, 7, 2), targets=whole(3, 6))
def recurrent():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out = nn.Conv1d(2, 4, 3, padding=1), nn.Conv1d(5, 3, 3)
            self.lstm = nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True)
            self.gru, self.fc = nn.GRU(6, 5, batch_first=True), nn.Linear(15, 3)

        def forward(self, inputs):
            x = self.gru(self.lstm(self.conv(inputs.transpose(1, 2)).transpose(1, 2))[0])[0]
            return self.fc(self.out(x.transpose(1, 2)).flatten(1))
    return Recurrent()


# Queries, keys and values in one, and in three; a table that the config makes by itself is left out.
@model("linear1", """
task: language_model
data: {feeds: {source: source, before: before, targets: targets}}
model:
  - input: source
  - embedding: {vocabulary: 9, width: 8}
  - position: sinusoidal
  - residual: {name: encoder, activation: none, body: [layer_norm, attention: 2]}
  - layer_norm: {name: memory}
  - input: before
  - embedding: {vocabulary: 10, width: 8}
  - residual: {name: self, activation: none, body: [layer_norm, attention: {heads: 2, causal: true}]}
  - residual: {name: cross, activation: none, body: [layer_norm, attention: {heads: 2, memory: memory}]}
  - linear: 10
train: {batch: 6, microbatches: 2}
""", """
module.source: embedding1
module.pe:
module.look: encoder.attention1
module.norms.0: encoder.layer_norm1
module.norms.1: memory
module.before: embedding2
module.norms.2: self.layer_norm1
module.self_attn: self.attention1
module.norms.3: cross.layer_norm1
module.cross_attn: cross.attention1
module.head: linear1
""", source=whole(9, 6, 5), before=whole(10, 6, 4), targets=whole(10, 6, 4))
def translator():
    class Separate(nn.Module):
        """As most transformers have it."""

        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(8, 8) for _ in range(4))

        def forward(self, x):
            q, k, v = (p(x).view(*x.shape[:2], 2, 4).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
            y = (q @ k.transpose(-1, -2) / 2).softmax(-1) @ v
            return self.o_proj(y.transpose(1, 2).flatten(2))

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.source, self.before = nn.Embedding(9, 8), nn.Embedding(10, 8)
            self.norms = nn.ModuleList([nn.LayerNorm(8) for _ in range(4)])
            rates = 10000 ** (-torch.arange(0, 8, 2) / 8)
            angles = torch.arange(5)[:, None] * rates
            self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[None])
            self.look, self.head = Separate(), nn.Linear(8, 10)
            self.self_attn, self.cross_attn = (nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(2))

        def forward(self, source, before):
            x = self.source(source) + self.pe
            memory = self.norms[1](x + self.look(self.norms[0](x)))
            x, hidden = self.before(before), torch.ones(4, 4, dtype=torch.bool).triu(1)
            y = self.norms[2](x)
            x = x + self.self_attn(y, y, y, attn_mask=hidden)[0]
            return self.head(x + self.cross_attn(self.norms[3](x), memory, memory)[0])

    module = nn.Module()
    module.module = Translator()  # as behind DataParallel
    module.forward = module.module.forward
    return module


# In Hugging Face's names and its order of rotary positions (Touvron et al. 2023).
@model("linear1", """
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
""", """
model.embed_tokens: embedding1
model.layers.0.input_layernorm: residual1.rms_norm1
model.layers.0.self_attn: {to: residual1.attention1, rotary: halves}
model.layers.0.post_attention_layernorm: residual2.rms_norm1
model.layers.0.mlp.gate_proj: residual2.multiply1.sequential1.linear1
model.layers.0.mlp.up_proj: residual2.multiply1.linear1
model.layers.0.mlp.down_proj: residual2.linear1
model.norm: rms_norm1
lm_head: linear1
""", store=torch.bfloat16, inputs=whole(13, 6, 8), targets=whole(13, 6, 8))
def llama():
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(8))

        def forward(self, x):
            return self.weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5)

    def turned(x):
        angles = (torch.arange(8)[:, None] * 10000 ** (-torch.arange(0, 4, 2) / 4)).repeat(1, 2)
        return x * angles.cos() + torch.cat([-x[..., 2:], x[..., :2]], -1) * angles.sin()

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.input_layernorm, self.post_attention_layernorm = Norm(), Norm()
            self.self_attn = nn.ModuleDict({f"{part}_proj": nn.Linear(8, 8, bias=False) for part in "qkvo"})
            self.mlp = nn.ModuleDict(dict(gate_proj=nn.Linear(8, 12, bias=False), up_proj=nn.Linear(8, 12, bias=False),
                                          down_proj=nn.Linear(12, 8, bias=False)))

        def forward(self, x):
            y = self.input_layernorm(x)
            q, k, v = (self.self_attn[f"{part}_proj"](y).view(-1, 8, 2, 4).transpose(1, 2) for part in "qkv")
            hidden = torch.ones(8, 8, dtype=torch.bool).triu(1)
            y = (turned(q) @ turned(k).transpose(-1, -2) / 2).masked_fill(hidden, -math.inf).softmax(-1) @ v
            x = x + self.self_attn.o_proj(y.transpose(1, 2).flatten(2))
            y = self.post_attention_layernorm(x)
            return x + self.mlp.down_proj(F.silu(self.mlp.gate_proj(y)) * self.mlp.up_proj(y))

    class Llama(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = nn.ModuleDict(dict(embed_tokens=nn.Embedding(13, 8), layers=nn.ModuleList([Layer()]), norm=Norm()))
            self.lm_head = nn.Linear(8, 13, bias=False)

        def forward(self, inputs):
            x = self.model.layers[0](self.model.embed_tokens(inputs))
            return self.lm_head(self.model.norm(x))
    return Llama()


# A flattened image beside other numbers, and one that is channels first already.
@model("linear1", """
task: custom
data: {feeds: {inputs: inputs, extra: extra, targets: targets}}
model:
  - conv2d: {filters: 2, name: seen}
  - flatten: {name: rows}
  - transpose: {from: seen, order: [3, 1, 2]}
  - flatten: {name: planes}
  - concat: {of: [rows, extra, planes]}
  - layer_norm
  - linear: 3
losses: [cross_entropy: {target: targets}]
train: {batch: 6, microbatches: 1}
""", """
conv: seen
norm: layer_norm1
fc: linear1
""", inputs=numbers(6, 5, 6, 1), extra=numbers(6, 7), targets=whole(3, 6))
def joined():
    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.fc = nn.Conv2d(1, 2, 3), nn.LayerNorm(55), nn.Linear(55, 3)

        def forward(self, inputs, extra):
            seen = self.conv(inputs.permute(0, 3, 1, 2)).flatten(1)
            return self.fc(self.norm(torch.cat([seen, extra, seen], 1)))
    return Joined()
