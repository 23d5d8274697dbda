#!/usr/bin/python3
"""Children that do nothing but speak: what the agent needs to hear of interceptor-prepare and interceptor-train.

A whole plan takes a second with them, and every file has the same bytes each time, so that a fault of the coordinator
can be put at every one of its system calls. Modes of a child that misbehaves (first argument):

  prepare, train   do the work                      paced  trains chunk N once the file go-N lies beside the store
  hang             never says another word          spin   repeats the same step for ever
  balloon          takes memory until none is left  garble  says what is no event
"""
import hashlib
import json
import os
import pathlib
import signal
import socket
import sys
import time


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


class Control:
    def __init__(self, program):
        self.socket = socket.socket(fileno=int(option("--control-fd")))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.say("hello", protocol=1, program=program, pid=os.getpid())

    def say(self, event, **fields):
        self.socket.sendall((json.dumps({"event": event, **fields}) + "\n").encode())

    def hear(self):
        line = self.lines.readline()
        return json.loads(line) if line else None


def digest(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def prepare():
    control = Control("interceptor-prepare")
    chunk = option("--chunk")
    folder = pathlib.Path(option("--out")) / chunk
    zip_digest = hashlib.sha256(pathlib.Path(sys.argv[2]).read_bytes()).hexdigest()
    header = {"chunk": chunk, "chunk_sha256": zip_digest, "clips": 2, "families": 1, "quarantined": 0, "folds": 2,
              "version": 1}
    manifest = (json.dumps(header) + "\n").encode()
    for name in ("train.clips", "keep.clips", "prepared.json"):
        put(folder / name, b"{}")
    put(folder / "manifest.jsonl", manifest)
    control.say("manifest", path=str(folder / "manifest.jsonl"), clips=2, families=1, quarantined=0,
                **digest(manifest))


class Training:
    """Step 10 ends chunk 0, step 20 chunk 1, and so on. A checkpoint's text is its specialist and step."""

    def __init__(self):
        self.control = Control("interceptor-train")
        self.run = pathlib.Path(option("--run"))
        self.specialist = option("--specialist")
        self.settings = json.loads(pathlib.Path(option("--settings")).read_text())
        resumed = option("--resume")
        self.state = json.loads(pathlib.Path(resumed).read_text()) if resumed else {"step": 0, "manifests": []}
        self.control.say("started", specialist=self.specialist, parameters=1, threads=1, device="cpu",
                         cpu_capability="none", weights="checkpoint" if resumed else "scratch", digest="",
                         step=self.state["step"], cursor=self.cursor())

    @property
    def chunk(self):
        return self.state["step"] // 10

    def cursor(self):
        return {"chunk": self.chunk, "epoch": 0, "position": self.state["step"] % 10, "seed": self.settings["seed"]}

    def move(self, phase):
        self.control.say("progress", phase=phase, chunk=self.chunk, cursor=self.cursor(), step=self.state["step"],
                         chunk_steps=10, loss=1.0, gradient_norm=1.0, learning_rate=0.1, samples_per_s=1.0,
                         data_wait_share=0.0, training_s=float(self.state["step"]))

    def save(self, reason):
        path = self.run / "checkpoints" / f"{self.specialist}-step-{self.state['step']:010d}.safetensors"
        data = json.dumps({**self.state, "specialist": self.specialist, "padding": "." * 4000}).encode()
        put(path, data)
        self.control.say("checkpoint", path=str(path), step=self.state["step"], cursor=self.cursor(),
                         training_s=float(self.state["step"]), reason=reason, manifests=self.state["manifests"],
                         stall_ms=0.0, **digest(data))

    def evaluate(self, chunk):
        table = f"{self.specialist} {chunk}\n".encode()
        path = self.run / "scores" / f"held_out-{chunk:02d}.csv"
        put(path, table)
        self.control.say("evaluation", path=str(path), kind="held_out", chunk=chunk, step=self.state["step"], reals=1,
                         fakes=1, families=1, auc=0.5, auc_low=0.0, auc_high=1.0, log_loss=1.0, real_accuracy=0.5,
                         fake_accuracy=0.5, too_few=True, **digest(table))

    def await_go(self, chunk):
        while not (pathlib.Path(option("--store")).parent / f"go-{chunk}").exists():
            self.move("evaluating")  # which moves without steps: it is not stalled
            time.sleep(0.05)

    def train(self, order):
        chunk = order["chunk"]
        if sys.argv[1] == "paced" and self.chunk == chunk:
            self.await_go(chunk)
        if self.chunk == chunk:
            self.state["manifests"].append(order["manifest_sha256"])
            for _ in range(10):
                self.state["step"] += 1
            self.move("training")
            self.save("chunk_end")
        self.evaluate(chunk)
        self.control.say("chunk_finished", chunk=chunk, step=self.state["step"], training_s=float(self.state["step"]))

    def work(self):
        chunks = len(self.settings["chunks"])
        self.control.say("ready", next_chunk=self.chunk)
        while (command := self.control.hear()) is not None and command["command"] != "stop":
            if command["command"] != "train_chunk":
                continue
            self.train(command)
            if self.chunk < chunks:
                self.control.say("ready", next_chunk=self.chunk)
            else:
                self.control.say("finished")
                return

    def misbehave(self, how):
        self.control.say("ready", next_chunk=self.chunk)
        self.control.hear()
        if how == "garble":
            self.control.say(3)
        if how in ("hang", "garble"):
            signal.pause()
        hoard = []
        while how == "balloon":
            hoard.append(b"x" * (1 << 24))
        while how == "spin":
            self.move("training")
            time.sleep(0.2)


def main():
    mode = sys.argv[1]
    if mode == "prepare":
        prepare()
    elif mode in ("train", "paced"):
        Training().work()
    else:
        Training().misbehave(mode)


if __name__ == "__main__":
    main()
