#!/usr/bin/python3
"""Loads our checkpoint into torchvision's EfficientNet-B4 by name and compares logits and gradients.

usage: compare.py FOLDER   (what engine_parity wrote)
Prints the largest differences; exit code 1 when logits differ by more than 1e-4 or gradients by more than 1e-3,
both relative to the largest value of the tensor.
"""
import json
import struct
import sys

import torch
import torchvision

LOGIT_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
TYPES = {"F32": torch.float32, "I64": torch.int64, "BF16": torch.bfloat16}


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return metadata, tensors


def relative(ours, theirs):
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-12)).item()


def without_randomness(model):
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0


def main():
    folder = sys.argv[1]
    torch.set_num_threads(1)
    metadata, checkpoint = read_safetensors(folder + "/checkpoint.safetensors")
    _, probe = read_safetensors(folder + "/probe.safetensors")
    weights = {name: tensor for name, tensor in checkpoint.items()
               if not name.startswith(("optimizer.", "sampler."))}

    model = torchvision.models.efficientnet_b4(num_classes=2)
    model.load_state_dict(weights, strict=True)
    without_randomness(model)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"checkpoint: {metadata['architecture']}; torchvision {torchvision.__version__} has {parameters} parameters")
    ok = parameters == 17552202

    # The whole gradient decides: single tensors of vanishing size differ by rounding alone.
    for mode in ("eval", "train"):
        model.load_state_dict(weights, strict=True)
        model.train(mode == "train")
        model.zero_grad()
        logits = model(probe["pictures"])
        torch.nn.functional.cross_entropy(logits, probe["labels"]).backward()
        ours = torch.cat([probe[f"{mode}.gradient.{name}"].flatten() for name, _ in model.named_parameters()])
        theirs = torch.cat([p.grad.flatten() for _, p in model.named_parameters()])
        by_norm = ((ours - theirs).norm() / theirs.norm()).item()
        worst = max((relative(probe[f"{mode}.gradient.{n}"], p.grad), n) for n, p in model.named_parameters()
                    if p.grad.norm() > 1e-3 * theirs.norm())
        logit_error = relative(probe[f"{mode}.logits"], logits.detach())
        good = logit_error <= LOGIT_TOLERANCE and by_norm <= GRADIENT_TOLERANCE and worst[0] <= GRADIENT_TOLERANCE
        ok = ok and good
        print(f"{mode}: logits differ by {logit_error:.2e} (limit {LOGIT_TOLERANCE:.0e}), gradients by {by_norm:.2e} "
              f"in norm and at most {worst[0]:.2e} in {worst[1]} (limit {GRADIENT_TOLERANCE:.0e})"
              f"{'' if good else '  <-- too much'}")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
