"""Zips written byte by byte, with whatever in them is not true."""
import dataclasses
import io
import struct
import zlib

UNIX = 3  # the system that a mode is of


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file in a zip; what is not said is what is true."""
    name: object          # text or bytes
    data: bytes = b""     # as packed
    method: int = 0
    flags: int = 0
    size: int = None
    packed: int = None
    crc: int = None
    extra: bytes = b""
    host: int = UNIX
    mode: int = 0o100644
    disk: int = 0
    offset: int = None    # of a local header elsewhere; none is written then
    local: object = None  # what the local header says otherwise: field -> value

    def raw_name(self):
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    def facts(self):
        size = len(self.data) if self.packed is None else self.packed
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return {"flags": self.flags, "method": self.method, "crc": crc, "packed": size,
                "size": size if self.size is None else self.size, "name": self.raw_name(), "extra": self.extra}


def header_middle(facts):
    return struct.pack("<HHHHIIIHH", facts["flags"], facts["method"], 0, 0x5821, facts["crc"], facts["packed"], facts["size"],
                       facts.get("name_size", len(facts["name"])), len(facts["extra"]))


def local_header(entry):
    facts = {**entry.facts(), **(entry.local or {})}
    return facts.get("signature", b"PK\3\4") + struct.pack("<H", 20) + header_middle(facts) + facts["name"] + facts["extra"]


def central_header(entry, offset):
    facts = entry.facts()
    return b"PK\1\2" + struct.pack("<BBH", 20, entry.host, 20) + header_middle(facts) + struct.pack(
        "<HHHII", 0, entry.disk, 0, entry.mode << 16, offset) + facts["name"] + facts["extra"]


def end_record(lies, **truth):
    facts = {"disk": 0, "start_disk": 0, "comment": b"", **truth, **lies}
    return b"PK\5\6" + struct.pack("<HHHHIIH", facts["disk"], facts["start_disk"], facts["count"], facts["count"], facts["size"],
                                   facts["start"], len(facts["comment"])) + facts["comment"]


def end_record64(count, size, start, lies=None):
    """With its locator, for a place right behind the directory."""
    facts = {"count": count, "size": size, "start": start, "locator": start + size, **(lies or {})}
    middle = struct.pack("<QQQQ", facts["count"], facts["count"], facts["size"], facts["start"])
    return b"PK\6\6" + struct.pack("<QHHII", 44, 45, 45, 0, 0) + middle + b"PK\6\7" + struct.pack("<IQI", 0, facts["locator"], 1)


def zip64(*values):
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)


def make_zip(entries, between=lambda **_: b"", base=0, **lies):
    """`between` makes what stands before the end record; `base` is added to every offset."""
    body, directory = bytearray(), bytearray()
    for entry in entries:
        directory += central_header(entry, base + len(body) if entry.offset is None else entry.offset)
        body += local_header(entry) + entry.data if entry.offset is None else b""
    facts = {"count": len(entries), "size": len(directory), "start": base + len(body)}
    return bytes(body + directory + between(**facts) + end_record(lies, **facts))


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def deflated(name, content, **lies):
    return Entry(name, **{"data": deflate(content), "method": 8, "size": len(content), "crc": zlib.crc32(content), **lies})


class Stream(io.BytesIO):
    """Cannot be sought in, so zipfile writes sizes behind the data."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation

    def tell(self):
        raise io.UnsupportedOperation
