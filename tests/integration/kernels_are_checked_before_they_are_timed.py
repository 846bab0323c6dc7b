"""bench kernels: every kernel passes its check on every instruction set here, and its line has what a reader needs."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep


def items(*words):
    text = lockstep.call("bench", "kernels", "--json", "--seconds", "0.001", *words).stdout
    return [json.loads(line) for line in text.splitlines()]


with open("/proc/cpuinfo") as file:
    flags = file.read().split()
found = [item for word in ("32x256x1024", "r_1x1_16", "16x32x32x16", "64x9216", "1M") for item in items(word)]
kernels = {item["kernel"] for item in found}
for name in ("gemm_forward", "gemm_weight_gradient", "conv_input_gradient", "batch_norm_relu", "dropout_backward",
             "update_adam"):
    lockstep.check(name in kernels, f"no {name} among {sorted(kernels)}")
lockstep.equal(len({(item["kernel"], item["shape"]) for item in found}), len(found), "items, each once")
for item in found:
    computes = item["kernel"].startswith(("gemm", "conv"))
    lockstep.check(item["gflops" if computes else "gbps"] > 0, f"no rate: {item}")
    lockstep.check(0 < item["seconds_min"] <= item["seconds_median"], f"times: {item}")
    lockstep.check(0 < item["share_of_peak"] < (2 if computes else 100), f"share of the peak: {item}")
    lockstep.equal(item["kernel"].startswith("gemm"), "openblas_gflops" in item, f"OpenBLAS beside {item['kernel']}")

for isa, needs in (("avx512", "avx512f"), ("avx2", "avx2"), ("portable", None)):
    if needs is None or needs in flags:
        for word in ("32x256x1024", "r_1x1_32", "768x65"):
            lockstep.equal({item["isa"] for item in items(word, "--isa", isa)}, {isa}, "instruction set")
    else:
        text = lockstep.call("bench", "kernels", "--isa", isa, expect=2).stderr
        lockstep.check("this machine cannot run it" in text, text)

lockstep.equal({item["kernel"] for item in items("conv", "r_1x1_16", "forward")}, {"conv_forward"}, "words")
lockstep.check("no kernel has" in lockstep.call("bench", "kernels", "convolve", expect=2).stderr, "an unknown word")
lockstep.check("NAME" in lockstep.call("bench", "kernels", "--help").stdout, "help")
