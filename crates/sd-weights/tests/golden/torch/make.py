"""Files as torch.save writes them: of trainings with pytorch-lightning 1, of plain tensors, and of what else holds weights.

Reference: torch 2.8.0, numpy 2.4.6
Writes: zip.ckpt, legacy.ckpt, plain.pt, kinds.pt, kinds-legacy.pt, kinds-5.pt, alone.pt
Test: crates/sd-weights/tests/golden/torch/mod.rs

Every tensor counts from 0 in the order of its own rows, so that the test knows its values from its shape.
legacy.ckpt and kinds-legacy.pt are others at each run: their format names storages by their addresses.
"""
import pathlib
import sys
import types
from collections import OrderedDict

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent


def counted(*shape, dtype=torch.float32):
    return torch.arange(torch.Size(shape).numel()).reshape(shape).to(dtype)


def callback():
    """The class that names a callback's state; pickles hold its name only."""
    names = "pytorch_lightning", "pytorch_lightning.callbacks", "pytorch_lightning.callbacks.model_checkpoint"
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    found = type("ModelCheckpoint", (), dict(__module__=names[-1]))
    sys.modules[names[-1]].ModelCheckpoint = found
    return found


class Rebuilt:
    """Saved as a call, which is how tensors of other devices are saved."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce_ex__(self, protocol):
        return self.call


class Subclass(torch.Tensor):
    pass


Subclass.__module__ = "somewhere"
sys.modules["somewhere"] = types.ModuleType("somewhere")
sys.modules["somewhere"].Subclass = Subclass


def parameters(is_old):
    """A ParameterDict, as PyTorch before 1.12 saved it or as it does since."""
    found = torch.nn.ParameterDict({"*": torch.nn.Parameter(counted(2, 3))})
    if is_old:
        del found.__dict__["_keys"]
    return found


with_state = torch.nn.Parameter(counted(2, 3))
with_state.note = "beside it"

whole = torch.zeros(9, 4)
whole[2:8] = counted(6, 4)
spread = torch.zeros(5, 8)
spread[:, ::2] = counted(5, 4)

state = OrderedDict(
    single=counted(2, 3),
    half=counted(2, 3, dtype=torch.float16),
    bfloat=counted(7, dtype=torch.bfloat16),
    double=counted(3, dtype=torch.float64),
    parameter=torch.nn.Parameter(counted(4, 2)),
    part=whole[2:8],
    transposed=counted(3, 5).T.contiguous().T,
    strided=spread[:, ::2],
    channels_last=counted(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    scalar=torch.tensor(0.0),
    empty=torch.zeros(0, 4),
    ids=counted(1, 77, dtype=torch.int64),
    mask=torch.tensor([False, True]),
)
state["shared"] = state["single"]
module = torch.nn.Linear(1, 1)
state._metadata = module.state_dict()._metadata

checkpoint = {
    "epoch": 3,
    "global_step": 875000,
    "pytorch-lightning_version": "1.4.2",
    "callbacks": {callback(): {"best_model_score": torch.tensor(0.5), "monitor": None, "mean": np.float64(0.25)}},
    "lr_schedulers": [{"base_lrs": [1e-4], "_step_count": 4}],
    "optimizer_states": [{"state": {0: {"exp_avg": counted(2)}}, "param_groups": [{"betas": (0.9, 0.999)}]}],
    "state_dict": state,
}

torch.save(checkpoint, FOLDER / "zip.ckpt")
torch.save(checkpoint, FOLDER / "legacy.ckpt", _use_new_zipfile_serialization=False)
torch.save({"weight": counted(2, 2)}, FOLDER / "plain.pt", pickle_protocol=4)

kinds = {
    "array": counted(2, 3).numpy(),
    "columns": np.asfortranarray(counted(2, 3).numpy()),
    "integers": counted(2, 3, dtype=torch.int64).numpy(),
    "of_numpy": Rebuilt(torch._utils._rebuild_device_tensor_from_numpy, counted(2, 3).numpy(), torch.float32, "xla:0", False),
    "of_device": Rebuilt(torch._utils._rebuild_device_tensor_from_cpu_tensor, counted(2, 3), torch.float32, "xla:0", False),
    "with_state": with_state,
    "subclass": counted(2, 3).as_subclass(Subclass),
    "e4m3": counted(2, 3).to(torch.float8_e4m3fn),
    "e5m2": counted(2, 3).to(torch.float8_e5m2),
    "now": parameters(is_old=False),
    "before": parameters(is_old=True),
}
torch.save(kinds, FOLDER / "kinds.pt")
# The old format also keeps the source of a module's class and the path of its file: here, a stand-in for both.
torch.serialization.get_source_lines_and_file = lambda *_: (["class ParameterDict: ...\n"], 1, "container.py")
torch.save(kinds, FOLDER / "kinds-legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"array": counted(2, 3).numpy()}, FOLDER / "kinds-5.pt", pickle_protocol=5)
torch.save(counted(2, 3), FOLDER / "alone.pt")
