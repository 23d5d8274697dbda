"""Training throughput of eager Python torchvision's EfficientNet-B4: channels last, AdamW, on a GPU bf16 autocast.

Works on a fixed batch that lies on the device already, so it is spared the loading, normalising and augmenting that
the engine's figure includes. usage: eager_torchvision.py [device]
"""
import sys
import time

import torch

WARM_UP = 10
STEPS = 40


def build_model():
    try:
        import torchvision
    except ImportError:
        return None
    return torchvision.models.efficientnet_b4(num_classes=2)


def make_step(model, device, batch_size):
    """A function that takes one training step."""
    model = model.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    pictures = torch.randn(batch_size, 3, 224, 224, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(batch_size, device=device) % 2

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=device != "cpu"):
            loss = torch.nn.functional.cross_entropy(model(pictures), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()

    return step


def measure(device, batch_size):
    model = build_model()
    if model is None:
        print("torchvision is not installed here: no figure beside the engine's")
        return
    step = make_step(model, device, batch_size)
    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    begin = time.monotonic()
    for _ in range(STEPS):
        step()
    torch.cuda.synchronize()
    seconds = time.monotonic() - begin
    print(f"torchvision  batch {batch_size:3d}: {STEPS * batch_size / seconds:7.1f} images/s, "
          f"{1000 * seconds / STEPS:.2f} ms a step, torch {torch.__version__}")


if __name__ == "__main__":
    for size in (32, 256):
        measure(sys.argv[1] if len(sys.argv) > 1 else "cuda:0", size)
