"""Disks and networks of a case's own, in namespaces, so that they can be filled and cut without touching the machine's."""
import os
import pathlib
import shlex
import subprocess

from tools import move_aside, require, script


def hold(steps, words, what):
    """A process that makes the namespaces, takes the steps in them and keeps them until its input ends."""
    text = " && ".join([*steps, "echo ready", "exec cat"])
    holder = subprocess.Popen([*words, "sh", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    require(holder.stdout.readline() == b"ready\n", f"no {what}")
    return holder


def end_of(holder):
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()


def inside(holder, *kinds):
    return ["nsenter", "-t", str(holder.pid), "--user", *kinds, "--preserve-credentials"]


def bring(program, choices):
    """Starts of the program go into namespaces: `choices` is [(words among the arguments, command)], the first that fits."""
    real = shlex.quote(str(move_aside(program)))
    lines = ['case "$* " in'] + [f'*{shlex.quote(words)}*) exec {shlex.join(command)} {real} "$@" ;;' for words, command in choices]
    script(program, "\n".join([*lines, "esac"]))


class SmallDisk:
    """A tmpfs; programs are brought in by `enter`."""

    def __init__(self, path, megabytes, outside=None):
        """`outside` (a folder in `path`) stays on the machine's disk."""
        path.mkdir(parents=True, exist_ok=True)
        steps = [f"mount -t tmpfs -o size={megabytes}m tmpfs {shlex.quote(str(path))}"]
        if outside:
            kept = path.with_name(path.name + "-outside")
            kept.mkdir()
            inner = shlex.quote(str(path / outside))
            steps += [f"mkdir {inner}", f"mount --bind {shlex.quote(str(kept))} {inner}"]
        self.holder = hold(steps, ["unshare", "--user", "--map-root-user", "--mount"], f"small disk at {path}")
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{path}")  # the disk as this process sees it
        self.filler = self.seen / "filler"

    def enter(self, program):
        bring(program, [("", inside(self.holder, "--mount"))])

    def fill(self, leave=0):
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while os.statvfs(self.seen).f_bavail * 4096 > leave:
                    file.write(b"f" * (4096 if leave == 0 else 1 << 20))
            except OSError:
                pass

    def free(self):
        self.filler.unlink()

    def end(self):
        end_of(self.holder)


class TwoNetworks:
    """The head node's network and that of one box, joined by a cable that can be cut: packets then vanish, and neither end is
    told."""
    ADDRESS = "10.77.0.1:7000"

    def __init__(self):
        up = ["ip link set lo up"]
        self.head = hold(up, ["unshare", "--user", "--map-root-user", "--net"], "network")
        self.box = hold(up, [*inside(self.head, "--net"), "unshare", "--net"], "second network")
        self.ip(self.head, f"link add cable type veth peer name cable netns {self.box.pid}")
        for holder, address in ((self.head, "10.77.0.1/24"), (self.box, "10.77.0.2/24")):
            self.ip(holder, f"address add {address} dev cable")
            self.ip(holder, "link set cable up")

    def ip(self, holder, words):
        done = subprocess.run([*inside(holder, "--net"), "ip", *words.split()], capture_output=True, check=False)
        require(done.returncode == 0, f"ip {words}: {done.stderr.decode()}")

    def enter(self, folder, member):
        """The member's worker runs on the box, all else on the head node."""
        head, box = inside(self.head, "--net"), inside(self.box, "--net")
        for name in ("interceptor", "interceptor-coordinator"):
            bring(folder / name, [("", head)])
        bring(folder / "interceptor-worker", [(f"--member {member} ", box), ("", head)])

    def cut(self):
        self.ip(self.box, "link set cable down")

    def reconnect(self):
        self.ip(self.box, "link set cable up")

    def end(self):
        end_of(self.box)
        end_of(self.head)


def tell(said, healed):
    """What a reader wants to know of a full disk."""
    return f"status said so after {said:.1f} s; went on {healed:.1f} s after there was room"
