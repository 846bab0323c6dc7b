"""lockstep bench WORKLOAD trains what the peer's program (PyTorch) trains: the same number of parameters, and a loss of
the first step within 15 % (of a GAN the sum over both phases).

  workloads_are_those_of_the_peer.py WORKLOAD..."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

# Of the LSTM the peer has 946625: a second bias of 4 x 256 in each of two layers, which adds nothing to the first.
PEER = {"mlp": (1863690, 2.308), "cnn": (1199882, 2.302), "resnet20": (269722, 3.018), "lstm": (944577, 4.176),
        "gpt_small": (818176, 4.201), "gpt_medium": (10795776, 4.227), "vit": (2693578, 2.334), "vae": (652824, 549.812),
        "dcgan": (904642, 2.364)}

for name in sys.argv[1:]:
    line = json.loads(lockstep.call("bench", name, "--seconds", 0.1).stdout)
    found, peer = (line["params"], line["loss_first"]), PEER[name]
    print(f"{name}: {found[0]} parameters, loss {found[1]:.4f} in the first step; the peer's {peer[0]}, {peer[1]}")
    lockstep.equal(found[0], peer[0], f"{name}: parameters")
    lockstep.check(abs(found[1] - peer[1]) <= 0.15 * peer[1], f"{name}: loss_first {found[1]}, the peer has {peer[1]}")
