#!/usr/bin/env python3
"""Runs models of ONNX: in ONNX Runtime where Python has it, else by the operators below, which say in NumPy what the standard
says (version 17), as far as the program writes them.
    onnx_run.py FOLDER      the jobs of FOLDER/jobs.json: [{"model": file, "inputs": file.npz, "output": file.npy}, ...]
"""
import json
import math
import os
import sys

import numpy


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softmax(x, axis=-1):
    e = numpy.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


ERF = numpy.vectorize(math.erf, otypes=["f8"])
TYPES = {1: "f4", 6: "i4", 7: "i8", 11: "f8"}


def windows(x, a, fill):
    """[N, C, H', W', kh, kw] of what each output pixel looks at."""
    (kh, kw), (sh, sw) = a["kernel_shape"], a["strides"]
    dh, dw = a.get("dilations", (1, 1))
    top, left, bottom, right = a["pads"]
    x = numpy.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    view = numpy.lib.stride_tricks.sliding_window_view(x, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), (2, 3))
    return view[:, :, ::sh, ::sw, ::dh, ::dw]


def conv(a, x, w, b=None):
    groups = a["group"]
    seen = windows(x, {**a, "kernel_shape": w.shape[2:]}, 0)
    parts = [numpy.einsum("nchwij,ocij->nohw", s, part) for s, part in
             zip(numpy.split(seen, groups, 1), numpy.split(w, groups, 0))]
    y = numpy.concatenate(parts, 1)
    return y if b is None else y + b[:, None, None]


def conv_transpose(a, x, w, b=None):
    """Each pixel puts its window on the output."""
    (sh, sw), (dh, dw), groups = a["strides"], a["dilations"], a["group"]
    top, left, bottom, right = a["pads"]
    more = a["output_padding"]
    n, _, h, v = x.shape
    (kh, kw), out = w.shape[2:], w.shape[1] * groups
    height, width = sh * (h - 1) + dh * (kh - 1) + 1 + more[0], sw * (v - 1) + dw * (kw - 1) + 1 + more[1]
    y = numpy.zeros((n, out, height, width), x.dtype)
    for i in range(kh):
        for j in range(kw):
            put = numpy.concatenate([numpy.einsum("nchw,co->nohw", xs, ws) for xs, ws in
                                     zip(numpy.split(x, groups, 1), numpy.split(w[:, :, i, j], groups, 0))], 1)
            y[:, :, i * dh:i * dh + sh * (h - 1) + 1:sh, j * dw:j * dw + sw * (v - 1) + 1:sw] += put
    y = y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
    return y if b is None else y + b[:, None, None]


def average_pool(a, x):
    seen = windows(x, a, 0).sum((-2, -1))
    return seen / windows(numpy.ones_like(x), a, 0).sum((-2, -1))


def recurrence(kind, a, x, w, r, b=None, lengths=None, h=None, c=None):
    """LSTM, GRU or RNN, in one direction: y [T, 1, N, H]."""
    steps, samples, hidden = x.shape[0], x.shape[1], a["hidden_size"]
    w, r = w[0].T, r[0].T
    wb, rb = numpy.split(b[0], 2) if b is not None else (0, numpy.zeros(r.shape[1], x.dtype))
    h = numpy.zeros((samples, hidden), x.dtype) if h is None else h[0]
    c = numpy.zeros_like(h) if c is None else c[0]
    y = numpy.zeros((steps, 1, samples, hidden), x.dtype)
    backward = a.get("direction") == b"reverse"
    for t in range(steps)[::-1] if backward else range(steps):
        zx, zh = x[t] @ w + wb, h @ r + rb
        if kind == "LSTM":
            i, o, f, g = numpy.split(zx + zh, 4, 1)
            now = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
            new = sigmoid(o) * numpy.tanh(now)
        elif kind == "GRU":
            assert a["linear_before_reset"] == 1
            (zx, rx, nx), (zr, rr, nr) = numpy.split(zx, 3, 1), numpy.split(zh, 3, 1)
            z = sigmoid(zx + zr)
            new, now = (1 - z) * numpy.tanh(nx + sigmoid(rx + rr) * nr) + z * h, c
        else:
            new, now = {b"Tanh": numpy.tanh, b"Relu": lambda v: numpy.maximum(v, 0)}[a["activations"][0]](zx + zh), c
        runs = numpy.ones((samples, 1), bool) if lengths is None else (t < lengths)[:, None]
        h, c = numpy.where(runs, new, h), numpy.where(runs, now, c)
        y[t, 0] = numpy.where(runs, new, 0)
    return y


def resize(a, x, roi, scales):
    assert (a["mode"], a["nearest_mode"], a["coordinate_transformation_mode"]) == (b"nearest", b"floor", b"asymmetric")
    for axis, factor in enumerate(scales):
        x = numpy.repeat(x, int(factor), axis)
    return x


def slice_of(a, x, first, end, axes, steps=None):
    cut = [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        cut[axis] = slice(first[i], end[i], 1 if steps is None else steps[i])
    return x[tuple(cut)]


def reshape(a, x, shape):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def gather_nd(a, x, places):
    assert a["batch_dims"] == 1 and places.shape[-1] == 1
    return numpy.stack([row[place[..., 0]] for row, place in zip(x, places)])


def batch_norm(a, x, gain, offset, mean, variance):
    gain, offset, mean, variance = (v.reshape([-1] + [1] * (x.ndim - 2)) for v in (gain, offset, mean, variance))
    return (x - mean) / numpy.sqrt(variance + a["epsilon"]) * gain + offset


def layer_norm(a, x, gain, offset):
    assert a["axis"] == -1
    x = x - x.mean(-1, keepdims=True)
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + a["epsilon"]) * gain + offset


def reduced(function):
    return lambda a, x, axes=None: function(x, axis=tuple(a["axes"] if axes is None else axes),
                                            keepdims=bool(a.get("keepdims", 1)))


def elementwise(function):
    return lambda a, *inputs: function(*inputs)


OPERATORS = {
    "Add": elementwise(numpy.add), "Sub": elementwise(numpy.subtract), "Mul": elementwise(numpy.multiply),
    "Div": elementwise(numpy.divide), "Max": elementwise(numpy.maximum), "Min": elementwise(numpy.minimum),
    "Less": elementwise(numpy.less), "LessOrEqual": elementwise(numpy.less_equal),
    "Greater": elementwise(numpy.greater), "Equal": elementwise(numpy.equal),
    "And": elementwise(numpy.logical_and), "Where": elementwise(numpy.where), "MatMul": elementwise(numpy.matmul),
    "Tanh": elementwise(numpy.tanh), "Exp": elementwise(numpy.exp), "Log": elementwise(numpy.log),
    "Abs": elementwise(numpy.abs), "Sqrt": elementwise(numpy.sqrt), "Sigmoid": elementwise(sigmoid),
    "Relu": elementwise(lambda x: numpy.maximum(x, 0)), "Identity": elementwise(lambda x: x), "Erf": elementwise(ERF),
    "Softplus": elementwise(lambda x: numpy.logaddexp(x, 0)), "Clip": elementwise(numpy.clip),
    "LeakyRelu": lambda a, x: numpy.where(x > 0, x, a["alpha"] * x),
    "Elu": lambda a, x: numpy.where(x > 0, x, a["alpha"] * numpy.expm1(numpy.minimum(x, 0))),
    "Softmax": lambda a, x: softmax(x, a["axis"]), "LogSoftmax": lambda a, x: numpy.log(softmax(x, a["axis"])),
    "ReduceSum": reduced(numpy.sum), "ReduceMean": reduced(numpy.mean), "ReduceMax": reduced(numpy.max),
    "Conv": conv, "ConvTranspose": conv_transpose, "AveragePool": average_pool, "Resize": resize,
    "MaxPool": lambda a, x: windows(x, a, -numpy.inf).max((-2, -1)),
    "GlobalAveragePool": elementwise(lambda x: x.mean((2, 3), keepdims=True)),
    "BatchNormalization": batch_norm, "LayerNormalization": layer_norm,
    "LSTM": lambda a, *i: recurrence("LSTM", a, *i), "GRU": lambda a, *i: recurrence("GRU", a, *i),
    "RNN": lambda a, *i: recurrence("RNN", a, *i), "Reshape": reshape, "Slice": slice_of, "GatherND": gather_nd,
    "Transpose": lambda a, x: x.transpose(a["perm"]), "Concat": lambda a, *x: numpy.concatenate(x, a["axis"]),
    "Unsqueeze": lambda a, x, axes: numpy.expand_dims(x, tuple(axes)),
    "Squeeze": lambda a, x, axes: numpy.squeeze(x, tuple(axes)),
    "Expand": lambda a, x, shape: x * numpy.ones(shape, x.dtype),
    "Shape": lambda a, x: numpy.array(x.shape[a["start"]:a["end"]]),
    "Gather": lambda a, x, index: numpy.take(x, index, a.get("axis", 0)),
    "Cast": lambda a, x: x.astype(TYPES[a["to"]]), "Constant": lambda a: a["value"],
    "Pad": lambda a, x, pads: numpy.pad(x, numpy.reshape(pads, (2, -1)).T),
}


def array(tensor):
    return numpy.frombuffer(tensor.raw_data, TYPES[tensor.data_type]).reshape(tensor.dims)


def attributes(node):
    """By name. The kinds of the standard: f, i, s, t, floats, ints, strings."""
    kinds = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
    values = {a.name: getattr(a, kinds[a.type]) for a in node.attribute}
    return {name: array(value) if hasattr(value, "raw_data") else value for name, value in values.items()}


def run_in_numpy(path, inputs):
    """In double, so that a difference is the program's."""
    import onnx
    graph = onnx.load(path).graph
    known = {t.name: array(t) for t in graph.initializer}
    known.update(inputs)
    known = {name: value.astype("f8") if value.dtype == "f4" else value for name, value in known.items()}
    known[""] = None
    for node in graph.node:
        result = OPERATORS[node.op_type](attributes(node), *[known[name] for name in node.input])
        known[node.output[0]] = result.astype("f8") if result.dtype == "f4" else result
    return known[graph.output[0].name]


def run_in_runtime(path, inputs):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {node.name: inputs[node.name] for node in session.get_inputs()})[0]


def main(folder):
    try:
        import onnxruntime
        run, name = run_in_runtime, f"ONNX Runtime {onnxruntime.__version__}"
    except ImportError:
        run, name = run_in_numpy, "NumPy"
    with open(os.path.join(folder, "jobs.json")) as file:
        for job in json.load(file):
            with numpy.load(os.path.join(folder, job["inputs"])) as inputs:
                numpy.save(os.path.join(folder, job["output"]),
                           run(os.path.join(folder, job["model"]), {k: inputs[k] for k in inputs.files}))
    print(name)


if __name__ == "__main__":
    with numpy.errstate(over="ignore", invalid="ignore", divide="ignore"):
        main(sys.argv[1])
