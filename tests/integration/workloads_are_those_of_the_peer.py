"""lockstep bench WORKLOAD trains what the peer's program (PyTorch) trains: as many parameters within 2 %, and a loss of
the first step within 15 % (of a GAN the sum over both phases).

  workloads_are_those_of_the_peer.py WORKLOAD..."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

PEER = {"mlp": (1863690, 2.308), "cnn": (1199882, 2.302), "resnet20": (269722, 3.018), "lstm": (946625, 4.176),
        "gpt_small": (818176, 4.201), "gpt_medium": (10795776, 4.227), "vit": (2693578, 2.334), "vae": (652824, 549.812),
        "dcgan": (904642, 2.364)}

for name in sys.argv[1:]:
    line = json.loads(lockstep.call("bench", name, "--seconds", 0.1).stdout)
    found, peer = (line["params"], line["loss_first"]), PEER[name]
    print(f"{name}: {found[0]} parameters, loss {found[1]:.4f} in the first step; the peer's {peer[0]}, {peer[1]}")
    for mine, theirs, share, what in zip(found, peer, (0.02, 0.15), ("parameters", "loss_first")):
        lockstep.check(abs(mine - theirs) <= share * theirs, f"{name}: {what} {mine}, the peer has {theirs}")
