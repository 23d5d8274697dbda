"""Zips that lie, are damaged or mean harm, each with what must come out."""
import concurrent.futures
import dataclasses
import io
import json
import os
import random
import re
import stat
import struct
import subprocess
import zipfile
import zlib

from zip_writer import (
    central_header, deflate, deflated, end_record, end_record64, Entry, local_header, make_zip, Stream, zip64)

# Only what does not end comes near: how much work a refusal costs is asserted by what it names.
TIMEOUT = 600
PROCESSOR_SECONDS = 200
MEMORY = 4 << 30
LINE_MAX = 1000
PREFIX = "interceptor-prepare: "
REAL, FAKE = {"label": "REAL"}, {"label": "FAKE", "original": "r0.mp4"}
LABELS = {"r0.mp4": REAL, "r1.mp4": REAL, "r2.mp4": REAL, "f0.mp4": FAKE, "f1.mp4": FAKE, "f2.mp4": FAKE}
BAD = "bad.mp4"
ERROR, ABSENT, LATER = 1, 4, 7
STORE = {"train.clips", "keep.clips", "manifest.jsonl", "prepared.json"}
# Fold 1 of 2 has the family of r0.mp4, and clips of both kinds where each is a family of its own.
SETTINGS = {"version": 1, "preparation": {"view_pixels": 64, "frames_per_fake": 2, "frames_per_real": 2},
            "evaluation": {"folds": 2, "held_out_fold": 1}}
FAR = 0xFFFFFFFF
LAST = (1 << 64) - 1
FULL = {"count": 0xFFFF, "size": FAR, "start": FAR}
DARWIN = 19
ESCAPE = "\x1b[31m"
AGAIN = "copy it again"


# What must come out: functions of what a run left that yield what is wrong.

def accepted(*more, base=tuple(LABELS)):
    def faults(run):
        if run.code != 0:
            yield f"it must be prepared, exit code {run.code}: {run.shown}"
        elif run.reasons:
            yield f"no clip may be quarantined: {run.reasons}"
        elif run.stored != {*base, *more}:
            yield f"clips {sorted(run.stored ^ {*base, *more})} are missing or too many"
    return faults


def quarantined(words, clip=BAD):
    def faults(run):
        if run.code != 0:
            yield f"{clip} must be quarantined and the others stored, exit code {run.code}: {run.shown}"
        elif run.stored != set(LABELS) or set(run.reasons) != {clip}:
            yield f"{clip} must be quarantined alone; stored {sorted(run.stored)}, quarantined {run.reasons}"
        elif not re.search(words, run.reasons[clip], re.IGNORECASE):
            yield f"its reason does not name the fault ({words}): {run.reasons[clip]}"
    return faults


def refused(words, code=ERROR, never=None):
    def faults(run):
        if run.code == 0:
            yield f"it must be refused ({words}), but stored are {sorted(run.stored)}, quarantined {run.reasons}"
        elif not re.search(words, run.error, re.IGNORECASE | re.DOTALL):
            yield f"its refusal does not name the fault ({words}): {run.shown}"
        elif never is not None and never in run.error:
            yield f"its refusal advises what cannot help ({never}): {run.shown}"
        elif run.code != code:
            yield f"its exit code is {run.code}, not {code}: {run.shown}"
    return faults


def any_of(*checks):
    def faults(run):
        each = [list(check(run)) for check in checks]
        return [] if [] in each else [" or ".join(dict.fromkeys(fault for found in each for fault in found))]
    return faults


class Kit:
    """Clips, and chunks of them."""

    def __init__(self, folder):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            names = [*LABELS, BAD]
            self.clips = dict(zip(names, pool.map(lambda at: make_clip(folder / names[at], at), range(len(names)))))
        self.bad = self.clips.pop(BAD)
        self.base = [Entry(name, data) for name, data in self.clips.items()]

    def chunk(self, *more, labels=None, metadata=None, **lies):
        """The good clips, then `more`, each a fake unless `labels` says otherwise."""
        names = {entry.name.rsplit("/", 1)[-1] for entry in more if isinstance(entry.name, str)}
        labels = {name: FAKE for name in names if name.endswith(".mp4")} if labels is None else labels
        text = json.dumps({**LABELS, **labels}).encode() if metadata is None else metadata
        return make_zip([*self.base, *more, Entry("metadata.json", text)], **lies)

    def spoilt(self, **lies):
        return self.chunk(Entry(BAD, self.bad, **lies))

    def by_zipfile(self, method=zipfile.ZIP_STORED, file=None, zip64=False, folder="", comment=b""):
        out = file or io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.comment = comment
            for name, data in {**self.clips, "metadata.json": json.dumps(LABELS).encode()}.items():
                with archive.open(folder + name, "w", force_zip64=zip64) as entry:
                    entry.write(data)
        return out.getvalue()


def make_clip(path, at):
    width, height = ((64, 64), (160, 120), (96, 64), (128, 96), (64, 96), (120, 120), (80, 64))[at]
    words = f"ffmpeg -v error -threads 1 -f lavfi -i testsrc2=s={width}x{height}:r=5:d=1 -c:v libx264 -pix_fmt yuv420p"
    subprocess.run([*words.split(), "-vf", f"hue=h={40 * at}", path], check=True)
    return path.read_bytes()


def good_rows(kit):
    whole, labels = kit.chunk(), json.dumps(LABELS).encode()
    paths = {f"a/{label['label'].lower()}/{name}": kit.clips[name] for name, label in LABELS.items()}
    yield "good", whole, accepted()
    yield "good-stored", kit.by_zipfile(), accepted()
    yield "good-deflated", kit.by_zipfile(zipfile.ZIP_DEFLATED), accepted()
    yield "good-streamed", kit.by_zipfile(zipfile.ZIP_DEFLATED, Stream()), accepted()
    yield "good-zip64", kit.by_zipfile(zip64=True), accepted()
    yield "good-zip64-true-numbers", kit.chunk(labels={}, between=end_record64), accepted()
    yield "good-comment-signature", kit.by_zipfile(comment=b"PK\5\6 begins " * 100), accepted()
    yield "good-folder", kit.by_zipfile(folder="dfdc_train_part_0/"), accepted()
    yield "good-comment", kit.by_zipfile(comment=b"made by hand " * 1000), accepted()
    yield "good-paths", make_zip([Entry(*path) for path in paths.items()]), accepted(base=tuple(paths))
    yield "good-link", lambda path: path.with_name("a").write_bytes(whole) and path.symlink_to("a"), accepted()
    yield "good-prefix", b"#!/bin/sh\n" + make_zip([*kit.base, Entry("metadata.json", labels)], base=10), accepted()
    yield "prefix", b"x" * 1000 + whole, any_of(accepted(), refused("central directory"))
    yield "garbage-behind", whole + bytes(1000), any_of(accepted(), refused("central directory"))
    yield "zip-in-comment", kit.chunk(comment=make_zip([Entry("x.mp4", kit.bad)])), \
        any_of(accepted(), refused("central directory|no labels"))
    yield "two-zips", whole + whole, any_of(accepted(), refused("central directory"))


def cut_rows(kit):
    whole = kit.chunk()
    end = whole.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", whole, end + 16)[0]
    cuts = {"to-nothing": 0, "to-a-byte": 1, "in-half": len(whole) // 2, "at-directory": start,
            "in-directory": (start + end) // 2, "at-end-record": end, "in-end-record": end + 11, "last-byte": len(whole) - 1}
    for name, size in cuts.items():
        yield f"cut-{name}", whole[:size], refused("cut short|empty")
    yield "cut-front", whole[100:], refused("central directory")
    yield "cut-hole", whole[:start] + bytes(end - start) + whole[end:], refused("central directory")
    yield "only-end-record", make_zip([]), refused("no labels|no clips|empty")
    page = b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n"
    for name, data in (("text", b"to be done\n" * 99), ("page", page), ("zeros", bytes(1 << 20)), ("clip", kit.bad),
                       ("gzip", zlib.compress(whole, wbits=31)), ("random", random.Random(1).randbytes(70000)),
                       ("other-packer", b"7z\xbc\xaf\x27\x1c" + bytes(500))):
        yield f"foreign-{name}", data, refused("not a zip")


def end_rows(kit):
    lost = refused("central directory|at most 200000")
    for name, lies in (("count-small", {"count": 3}), ("count-large", {"count": 900}), ("count-full", {"count": 0xFFFF}),
                       ("size-small", {"size": 50}), ("size-large", {"size": 1 << 30}), ("start-outside", {"start": 1 << 30}),
                       ("start-zero", {"start": 0}), ("start-full", {"start": FAR}), ("size-full", {"size": FAR})):
        yield f"end-{name}", kit.chunk(**lies), lost
    yield "end64-contradicts", kit.chunk(between=lambda **facts: end_record64(**facts, lies={"count": 3})), \
        refused("two end records", never=AGAIN)
    yield "end-disks", kit.chunk(disk=1, start_disk=1), refused("multi-disk|several disks", never=AGAIN)
    yield "entry-disk", kit.spoilt(disk=5), any_of(accepted(BAD), quarantined("disk"), refused("disk"))
    for name, lies in (("count-large", {"count": 1 << 26}), ("count-far", {"count": 1 << 40}), ("count-over", {"count": 1 << 63}),
                       ("size-far", {"size": 1 << 62}), ("start-far", {"start": 1 << 62}), ("start-over", {"start": LAST}),
                       ("locator-far", {"locator": 1 << 40}), ("locator-over", {"locator": LAST}),
                       ("locator-zero", {"locator": 0})):
        yield f"end64-{name}", kit.chunk(**FULL, between=lambda lies=lies, **facts: end_record64(**facts, lies=lies)), lost


# A directory that contradicts itself makes the whole zip untrustworthy; it is refused, and the entry named.
CONTRADICTS = refused(f"'{BAD}'.*(overlap|past the central directory|no end|zip64)", never=AGAIN)


def damage_rows(kit):
    size, hurt = len(kit.bad), any_of(quarantined("damaged|crc"), CONTRADICTS)
    for name, lies in (("crc", {"crc": 1}), ("size-small", {"size": size - 9}), ("size-large", {"size": size + 9}),
                       ("packed-small", {"packed": size - 9, "size": size}), ("packed-large", {"packed": size + 9, "size": size}),
                       ("both-small", {"packed": size - 9}), ("both-large", {"packed": size + 9}),
                       ("outside", {"packed": 1 << 27}), ("not-deflated", {"method": 8})):
        yield f"damage-{name}", kit.spoilt(**lies), hurt
    packed = deflate(kit.bad)
    flipped = packed[:99] + bytes([packed[99] ^ 255]) + packed[100:]
    for name, lies in (("size-small", {"size": size - 9}), ("size-large", {"size": size + 9}), ("flipped", {"data": flipped}),
                       ("cut", {"data": packed[:-99]}), ("packed-small", {"packed": len(packed) - 99})):
        yield f"damage-deflated-{name}", kit.chunk(deflated(BAD, kit.bad, **lies)), hurt
    yield "damage-offset", kit.spoilt(offset=7), hurt
    yield "damage-offset-outside", kit.spoilt(offset=1 << 30), hurt
    yield "damage-extra", kit.spoilt(extra=b"\1\0\xff\xffxx"), any_of(quarantined("extra|damaged"), refused("central directory"))
    yield "damage-no-sizes", kit.spoilt(packed=0), quarantined("damaged|crc|empty")
    yield "local-name-size", kit.spoilt(local={"name_size": 60000}), hurt
    # The directory counts, and the checksum in it holds.
    for name, value in (("signature", b"PK\7\x08"), ("size", 3), ("packed", 1 << 30), ("crc", 3), ("method", 8), ("flags", 1),
                        ("name", b"../../x"), ("extra", b"x")):
        yield f"local-{name}", kit.spoilt(local={name: value}), any_of(accepted(BAD), quarantined("local|damaged|differ"))


def shared_rows(kit):
    overlap = any_of(refused("overlap"), quarantined("overlap"))
    first = kit.base[0]
    yield "overlap-same", kit.chunk(dataclasses.replace(first, name=BAD, offset=0)), overlap
    inner = Entry(BAD, kit.bad)
    outer = Entry("notes.txt", local_header(inner) + inner.data)
    at = sum(len(local_header(entry) + entry.data) for entry in kit.base)
    inner = dataclasses.replace(inner, offset=at + len(local_header(outer)))
    yield "overlap-inside", kit.chunk(outer, inner), overlap
    yield "overlap-quoted", kit.chunk(*quoted(kit, at)), overlap
    text = json.dumps({**LABELS, BAD: FAKE}).encode()
    long = kit.bad + local_header(Entry("metadata.json", text)) + text
    yield "overlap-next", kit.spoilt(packed=len(long), crc=zlib.crc32(long)), overlap


def quoted(kit, at):
    """Two deflated entries: the first one's data begins with the other's local header, as a stored block."""
    kernel = deflated(BAD, kit.bad)
    head = local_header(kernel)
    block = b"\0" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + head
    outer = Entry("notes.txt", block + kernel.data, 8, size=len(head) + len(kit.bad), crc=zlib.crc32(head + kit.bad))
    return outer, dataclasses.replace(kernel, offset=at + len(local_header(outer)) + len(block) - len(head))


def bomb_rows(kit):
    large = deflated(BAD, bytes(64 << 20))
    yield "bomb-ratio", kit.chunk(large), quarantined("declares 67108864")
    yield "bomb-declared", kit.spoilt(size=600 << 20), quarantined("declares 629145600")
    yield "bomb-honest", kit.spoilt(size=600 << 20, packed=600 << 20), CONTRADICTS
    yield "bomb-denied", kit.chunk(dataclasses.replace(large, size=1000)), quarantined("more than the declared 1000|damaged")
    yield "bomb-packed-lie", kit.chunk(dataclasses.replace(large, packed=1 << 20)), CONTRADICTS
    yield "bomb-count", many_entries(200001), refused("200001 entries", never=AGAIN)
    yield "bomb-hashes", same_hashes(60000), refused("one hash", never=AGAIN)
    for name, text in (("size", b" " * (70 << 20)), ("ratio", b"[" * (20 << 20))):
        yield f"bomb-metadata-{name}", make_zip([*kit.base, deflated("metadata.json", text)]), refused("metadata.json.*(declares|bytes)")
    labels = deflated("", json.dumps({f"{at}.mp4": REAL for at in range(400000)}).encode())
    files = [dataclasses.replace(labels, name=f"{at}/metadata.json") for at in range(12)]
    yield "bomb-metadata-files", make_zip([*kit.base, *files]), refused(r"metadata.json files \(12\) have more than 33554432 bytes")
    files = [Entry(f"{at}/metadata.json", b"{}") for at in range(10001)]
    yield "bomb-metadata-count", make_zip([*kit.base, *files]), refused("10001 metadata.json files; at most 10000")


def many_entries(count):
    directory = central_header(Entry("x.mp4"), 0) * count
    return directory + end_record64(count, len(directory), 0) + end_record(FULL)


def same_hashes(count):
    """Names that are one to a hash of the kind h * 33 + c, as libzip's is."""
    names = ("".join("aB" if at >> bit & 1 else "b!" for bit in range(16)) for at in range(count))
    return make_zip([Entry(f"{name}.txt") for name in names])


def name_rows(kit):
    cases = {"parent": ("../x.mp4", r"'\.\./x\.mp4'.*'\.\.'"), "parent-inside": ("a/../../x.mp4", r"'\.\.'"),
             "parent-last": ("a/..", r"'\.\.'"), "absolute": ("/etc/x", "'/etc/x' is absolute"), "dot": ("./x.mp4", r"part '\.'"),
             "empty-part": ("a//b.mp4", "'a//b.mp4'.*leads elsewhere"), "backslash": ("..\\x.mp4", r"x\.mp4' has a '\\'"),
             "drive": ("C:x.mp4", "'C:x.mp4' has a ':'"), "nul": (b"bad.mp4\0.mp4", "control|NUL"), "empty": ("", "no name"),
             "escape": (f"a{ESCAPE}.mp4", "31m.mp4' has a control"), "newline": ("a\nb.mp4", "control"),
             "bell": ("a\a", "control"), "delete": ("a\x7f.mp4", "control"),
             "c1": ("a\u009b31m.mp4", "control"), "latin": (b"caf\xe9.mp4", "not UTF-8"),
             "overlong-form": (b"..\xc0\xafx.mp4", "not UTF-8"), "surrogate": (b"a\xed\xa0\x80.mp4", "not UTF-8"),
             "long": ("a" * 300 + ".mp4", "aaa...' is over 255"), "longest": ("a/" * 32767, "over 255"),
             "twice": ("r0.mp4", "'r0.mp4' stands twice"), "twice-in-case": ("R0.Mp4", "'R0.Mp4' stands twice"),
             "folder-parent": ("../", r"'\.\.'"), "folder-root": ("/", "no name|absolute")}
    for name, (raw, words) in cases.items():
        yield f"name-{name}", kit.chunk(Entry(raw, kit.bad)), refused(f"00.zip: .*({words})", never=AGAIN)
    turned = "a\u202e4pm.mp4"
    yield "name-turned", kit.chunk(Entry(turned, b"")), any_of(refused("control|format"), quarantined("empty", turned))
    labels = Entry("a/metadata.json", json.dumps({"r0.mp4": REAL}).encode())
    yield "name-in-two-folders", kit.chunk(Entry("a/r0.mp4", kit.bad), labels), refused("'r0.mp4' stands twice")
    yield "name-folder", kit.chunk(Entry("x.mp4/", mode=0o40755), labels={}), accepted()
    labels = {BAD: FAKE, "z.mp4": FAKE}
    yield "name-folder-labelled", kit.chunk(Entry(BAD + "/", mode=0o40755), labels=labels), refused(f"label.*{BAD}")
    system = ("__MACOSX/._r0.mp4", "._r0.mp4", ".DS_Store", "Thumbs.db", "@eaDir/r0.mp4/x.jpg", ".Trashes/501/r0.mp4")
    yield "name-system", kit.chunk(*(Entry(name, b"x") for name in system), labels={}), accepted()


def kind_rows(kit):
    for name, mode in (("link", stat.S_IFLNK), ("fifo", stat.S_IFIFO), ("character-device", stat.S_IFCHR),
                       ("block-device", stat.S_IFBLK), ("socket", stat.S_IFSOCK)):
        yield f"kind-{name}", kit.chunk(Entry(BAD, b"/etc/passwd", mode=mode | 0o777)), refused(f"'{BAD}' is a link or a device")
    yield "kind-mac-link", kit.chunk(Entry(BAD, b"/etc/passwd", host=DARWIN, mode=stat.S_IFLNK | 0o777)), \
        any_of(refused(f"'{BAD}' is a link"), quarantined("not a video"))
    yield "kind-folder", kit.chunk(Entry(BAD, b"", mode=0o40755)), \
        any_of(refused(f"'{BAD}'.*folder"), quarantined("empty|folder"))
    for name, lies, words in (("encrypted", {"flags": 1}, "is encrypted"), ("strongly", {"flags": 0x41}, "is encrypted"),
                              ("aes", {"flags": 1, "method": 99, "extra": b"\1\x99\7\0\2\0AE\3\0\0"}, "is encrypted|method 99")):
        yield f"kind-{name}", kit.spoilt(**lies), refused(f"'{BAD}'.*({words})")
    for method in (1, 6, 9, 12, 14, 93, 95, 99, 65535):
        named = refused(f"'{BAD}' is packed by method {method}")
        # Without the extra field of AES, 99 is no method at all.
        expect = any_of(named, refused("central directory")) if method == 99 else named
        yield f"method-{method}", kit.spoilt(method=method), expect
    yield "zip64-size", kit.spoilt(size=FAR, extra=zip64(1 << 50)), quarantined(f"declares {1 << 50}")
    yield "zip64-size-over", kit.spoilt(size=FAR, extra=zip64(LAST)), any_of(quarantined("declares|damaged"), refused(BAD))
    yield "zip64-packed", kit.spoilt(packed=FAR, size=len(kit.bad), extra=zip64(1 << 50)), CONTRADICTS
    yield "zip64-no-extra", kit.spoilt(size=FAR), \
        any_of(quarantined("declares"), CONTRADICTS)
    for name, offset in (("outside", 1 << 40), ("over", LAST)):
        yield f"zip64-offset-{name}", kit.spoilt(offset=FAR, extra=zip64(offset)), \
            any_of(quarantined("damaged|outside"), CONTRADICTS)
    yield "clip-empty", kit.chunk(Entry(BAD)), quarantined("empty")
    yield "clip-zip", kit.chunk(Entry(BAD, kit.by_zipfile())), quarantined("not a video")
    yield "clips-in-zip", make_zip([Entry("clips.zip", kit.by_zipfile())]), refused("no labels")
    labels = Entry("metadata.json", json.dumps(LABELS).encode())
    yield "clips-in-zip-labelled", make_zip([Entry("clips.zip", kit.by_zipfile()), labels]), \
        refused("6 labels without a clip: f0.mp4")


def label_rows(kit):
    yield "labels-missing", make_zip(kit.base), refused("no labels")
    yield "labels-folder", make_zip([*kit.base, Entry("metadata.json/", mode=0o40755)]), refused("no labels")
    yield "labels-damaged", make_zip([*kit.base, Entry("metadata.json", b"{}", crc=1)]), \
        refused("metadata.json cannot be read.*crc")
    texts = {"empty": (b"", "JSON"), "text": (b"not yet", "not JSON"), "cut": (json.dumps(LABELS).encode()[:50], "JSON"),
             "deep": (b'{"a":' * 100000, "nested deeper"), "deep-list": (b"[" * 1000000, "nested deeper"),
             "list": (b"[1]", "not a JSON object"), "twice": (b'{"r0.mp4": {}, "r0.mp4": {}}', "r0.mp4.* twice"),
             "latin": (b'{"caf\xe9.mp4": {"label": "REAL"}}', "JSON"), "wide": ('{"r0.mp4": {}}'.encode("utf-16"), "JSON"),
             "escape": (b'{"a\x1b[31m": 1}', "JSON"), "none": (b"{}", "6 clips without a label: f0.mp4")}
    for name, (text, words) in texts.items():
        yield f"labels-{name}", kit.chunk(metadata=text), refused(f"00.zip.*{words}")
    told = f"{BAD}.*REAL or FAKE"
    cases = {"word": ({"label": "MAYBE"}, f"{BAD}.*MAYBE.*REAL or FAKE"), "null": ({"label": None}, f"{BAD}.*no .label"),
             "number": (7, f"{BAD}.*not an object"), "no-original": ({"label": "FAKE"}, f"{BAD}.*original"),
             "circle": ({"label": "FAKE", "original": "z.mp4"}, "circle"), "long-word": ({"label": "x" * 100000}, told),
             "escape-word": ({"label": ESCAPE}, told)}
    for name, (label, words) in cases.items():
        labels = {BAD: label, "z.mp4": {"label": "FAKE", "original": BAD}}
        yield f"label-{name}", kit.chunk(Entry(BAD, kit.bad), Entry("z.mp4", kit.bad), labels=labels), refused(words)
    for name, clip in (("absent", "gone"), ("escape", ESCAPE), ("newline", "a\nb"), ("long", "x" * 100000), ("c1", "\u009b")):
        labels = {f"{clip}-{at}.mp4": FAKE for at in range(3)}
        yield f"clips-{name}", kit.chunk(labels=labels), refused("3 labels without a clip|control|name")
    for name, original in (("escape", ESCAPE), ("long", "x" * 100000), ("nul", "a\0b")):
        labels = {BAD: {"label": "FAKE", "original": original}}
        yield f"original-{name}", kit.chunk(Entry(BAD, kit.bad), labels=labels), \
            any_of(refused("original"), quarantined("original"))
    for name, original in (("nothing", "NaN"), ("itself", "r1.mp4"), ("fake", "f0.mp4"), ("absent", "gone.mp4")):
        labels = {clip: {"label": "REAL", "original": original} for clip in ("r1.mp4", "r2.mp4")}
        yield f"original-of-real-{name}", kit.chunk(labels=labels), accepted()
    elsewhere = {clip: {"label": "FAKE", "original": "r1.mp4"} for clip in ("f0.mp4", "f1.mp4", "f2.mp4")}
    yield "labels-hold-out-one-class", kit.chunk(labels=elsewhere), refused("2 families are held out, with 2 REAL and 0 FAKE")
    yield "labels-one-class", kit.chunk(labels={name: REAL for name in LABELS}), refused("one class only")
    yield "labels-marked", kit.chunk(metadata=b"\xef\xbb\xbf" + json.dumps(LABELS).encode()), any_of(accepted(), refused("JSON"))


def file_rows(kit):
    plain, no_file = {"never": AGAIN}, "not a file|not a regular file"
    yield "file-absent", lambda path: None, refused("does not exist", ABSENT)
    yield "file-folder", lambda path: path.mkdir(), refused(f"folder|directory|{no_file}", **plain)
    yield "file-fifo", lambda path: os.mkfifo(path), refused(f"fifo|pipe|{no_file}", **plain)
    yield "file-socket", lambda path: os.mknod(path, stat.S_IFSOCK | 0o600), refused(f"socket|{no_file}", **plain)
    yield "file-device", lambda path: path.symlink_to("/dev/zero"), refused(f"device|{no_file}", **plain)
    yield "file-loop", lambda path: path.symlink_to(path.name), refused("symbolic links", **plain)
    yield "file-dangling", lambda path: path.symlink_to("gone"), refused("does not exist", ABSENT)
    if os.geteuid() == 0:
        print("skipped file-unreadable: root may read everything")
    else:
        yield "file-unreadable", lambda path: path.write_bytes(kit.chunk()) and path.chmod(0), refused("permission", **plain)


def changed_rows(kit):
    """What becomes of the zip once the gate has passed it, or while another process holds the store."""
    whole, other = kit.chunk(), kit.chunk(Entry("more.mp4", kit.bad))
    garbage, half = random.Random(2).randbytes(len(whole) // 2), len(whole) // 2
    changed = refused("changed while it was read", LATER)
    gone, new = refused("does not exist|cannot examine", ABSENT), accepted("more.mp4")
    # What is done, and what besides "changed" is right when it is done before the clips are read.
    disturbances = {"emptied": (lambda path: os.truncate(path, 0), refused("cut short")),
                    "halved": (lambda path: os.truncate(path, half), refused("cut short")),
                    "overwritten": (lambda path: overwrite(path, half // 2, garbage), refused("clips are unusable.*damaged")),
                    "grown": (lambda path: overwrite(path, len(whole), garbage), accepted()),
                    "replaced": (lambda path: replace(path, other), new),
                    "rewritten": (lambda path: path.write_bytes(other), new),
                    "removed": (lambda path: path.unlink(), gone)}
    for name, (act, before) in disturbances.items():
        yield f"waiting-{name}", whole, any_of(changed, before), act, True
        yield f"changed-{name}", whole, any_of(changed, gone) if name == "removed" else changed, act, False


def overwrite(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def replace(path, data):
    path.with_name("new").write_bytes(data)
    path.with_name("new").rename(path)
