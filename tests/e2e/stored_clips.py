"""Reads clip stores by docs/clip-store.md, apart from the programs' own reader."""
import hashlib
import json
import math
import struct

BYTES = {"u8": 1, "f32": 4}


def write_settings(path, family, **preparation):
    """run.json that holds out `family` ("00/original.mp4"): a chunk of few clips needs one with REAL and FAKE."""
    folds = 5
    fold = int.from_bytes(hashlib.sha256(f"fold|{family}".encode()).digest()[:8], "big") % folds
    path.write_text(json.dumps({"version": 1, "preparation": preparation, "evaluation": {"folds": folds, "held_out_fold": fold}}))
    return path


def read_file(path):
    """The clips of one .clips file by name: their entries in the index, with "bytes" by the name of the view."""
    data = path.read_bytes()
    if data[:8] != b"ICPTCLIP":
        raise ValueError(f"{path} is no clip store")
    offset, size = struct.unpack_from("<QQ", data, 16)
    clips = {}
    for clip in json.loads(data[offset:offset + size])["clips"]:
        clip["bytes"] = {view["view"]: data[view["offset"]:view["offset"] + math.prod(view["shape"]) * BYTES[view["type"]]]
                         for view in clip["views"]}
        clips[clip["name"]] = clip
    return clips


def read_chunk(folder):
    """All clips of a chunk's folder."""
    return read_file(folder / "train.clips") | read_file(folder / "keep.clips")


def view_of(clip, name):
    """A view's entry in the index; None where the clip has none of it."""
    return next((view for view in clip["views"] if view["view"] == name), None)
