#!/usr/bin/python3
"""Holds the house to its own rules: who may include what, banned names, how long functions and files are, what each
program links, links in the documents.

usage: tidy.py [--programs DIR]     DIR holds the built programs; without it linking is not looked at
"""
import argparse
import ast
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Room -> (rooms it may include besides itself, libraries it may name).
# 'May use' is transitive for rooms, not for libraries. Order is dependency order.
ABSL, SSL, JSON, GRPC, PROTO = "absl", "openssl", "nlohmann", "grpc", "protobuf"
ROOMS = {
    "common/base": ([], {ABSL, SSL}),
    "common/io": (["common/base"], {ABSL, JSON}),
    "common/facts": (["common/base"], {ABSL}),
    "common/message": (["common/facts"], {ABSL, PROTO}),
    "common/wire": (["common/message"], {ABSL, PROTO, "proto"}),
    "common/text": (["common/base"], {ABSL, "utf8proc"}),
    "common/stats": (["common/base"], {ABSL}),
    "common/html": (["common/base"], {ABSL, JSON}),
    "common/rpc": (["common/base"], {ABSL, GRPC}),
    "common/plan": (["common/facts", "common/io"], {ABSL, PROTO, JSON, "proto"}),
    "coordinator/core": (["common/facts", "common/stats", "common/text"], {ABSL}),
    "coordinator/journal": (["coordinator/core", "common/message"], {ABSL, PROTO, "sqlite", "journal_proto"}),
    "coordinator/vault": (["common/io"], {ABSL}),
    "coordinator/runtime": (["coordinator/core", "coordinator/journal", "coordinator/vault"], {ABSL}),
    "coordinator/service": (["coordinator/runtime", "common/rpc", "common/plan", "common/wire"], {ABSL, GRPC, PROTO, "proto", "cli11"}),
    "coordinator/dashboard": (["coordinator/runtime"], {ABSL, "httplib"}),
    "coordinator/cli": (["common/rpc", "common/text", "common/wire"], {ABSL, GRPC, PROTO, "proto", "cli11"}),
    "worker/session": (["common/facts"], {ABSL}),
    "worker/sampling": (["common/facts"], {ABSL}),
    "worker/store": (["worker/sampling", "common/io"], {ABSL, JSON}),
    "worker/child_protocol": (["common/io", "worker/sampling"], {ABSL, JSON}),
    "worker/evaluation": (["worker/child_protocol", "common/stats"], {ABSL, JSON}),
    "worker/media": (["worker/store"], {ABSL, JSON, "ffmpeg", "opencv", "seccomp", "cli11"}),
    "worker/prepare": (["worker/store", "worker/child_protocol", "worker/media", "common/text"], {ABSL, JSON, "zip", "cli11"}),
    "worker/models": (["worker/store", "worker/child_protocol"], {ABSL, JSON, "torch"}),
    "worker/engine": (["worker/models", "worker/evaluation"], {ABSL, JSON, "torch", "cli11"}),
    "worker/integrate": (["worker/evaluation", "worker/store", "common/html"], {ABSL, JSON, "cli11"}),
    "worker/detect": (["worker/media", "worker/models", "worker/integrate", "common/html"], {ABSL, JSON, "opencv", "cli11"}),
    "worker/agent": (["worker/session", "worker/store", "worker/child_protocol", "common/plan", "common/rpc", "common/text",
                      "common/wire"],
                     {ABSL, JSON, GRPC, PROTO, "proto", "cli11"}),
}
LIBRARY_OF_INCLUDE = [
    (r"absl/", ABSL), (r"openssl/", SSL), (r"nlohmann/", JSON), (r"grpc(pp)?/", GRPC), (r"google/protobuf/", PROTO),
    (r"interceptor/v1/.*\.pb\.h", "proto"), (r"interceptor/journal/v1/.*\.pb\.h", "journal_proto"),
    (r"sqlite3\.h", "sqlite"), (r"httplib\.h", "httplib"), (r"CLI/", "cli11"),
    (r"(libav|libsw)", "ffmpeg"), (r"opencv2/", "opencv"), (r"zip\.h", "zip"), (r"seccomp\.h", "seccomp"), (r"utf8proc\.h", "utf8proc"),
    (r"(torch|ATen|c10)/", "torch"),
]
PURE = ("common/facts", "common/html", "coordinator/core", "worker/session", "worker/sampling", "worker/evaluation")
# (pattern, where, why); patterns are looked for in code without comments and strings.
BANNED = [
    (r"(?<![A-Z_])(CHECK|DCHECK|LOG|VLOG|REQUIRE)(_[A-Z]+)?\(", "all", "LibTorch's headers own this name: use ICPT_ or CATCH_"),
    (r"torch::load|torch::jit::load|pickle_load", "all", "no file from outside is unpickled"),
    (r"flat_hash_(map|set)|unordered_(map|set)", "pure", "iteration order must be the same in every run"),
    (r"absl::Now|SystemClock|std::chrono::\w+_clock|\btime\(|clock_gettime", "pure", "time is passed in"),
    (r"std::(thread|mutex|async|ofstream|ifstream|cout|cerr)|absl::Mutex|ICPT_LOG", "pure", "no threads, no I/O, no logging"),
    (r"std::uniform_|std::normal_distribution|std::rand|mt19937", "product", "common/base/random.h draws the same everywhere"),
    (r"sleep_for|SleepFor|usleep\(|\bsleep\(", "tests", "tests wait for events"),
    (r"default:", "pure", "a switch over our enums names every value"),
]
ALLOWED_TORCH_FILES = 20
FUNCTION_LINES = 70
FILE_LINES = 400
LINK_RULES = [  # program, libraries it must not load
    ("interceptor-coordinator", r"torch|avcodec|opencv"),
    ("interceptor", r"torch|avcodec|opencv"),
    ("interceptor-worker", r"torch|avcodec|opencv"),
    ("interceptor-detect", r"grpc"),
    ("interceptor-train", r"grpc"),  # Debian's LibTorch itself loads OpenCV and FFmpeg
    ("interceptor-prepare", r"torch|grpc"),
    ("interceptor-decode", r"torch|grpc"),
    ("interceptor-integrate", r"torch|avcodec|opencv|grpc"),
]

problems = []
long_ones = []


def problem(text):
    problems.append(text)


def too_long(text):
    long_ones.append(text)


def tracked(*endings):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(p for p in out.splitlines() if p.endswith(endings) and os.path.isfile(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def room_of(path):
    for room in ROOMS:
        if path.startswith(room + "/"):
            return room
    return None


def rooms_within_reach(room, seen=None):
    seen = set() if seen is None else seen
    for other in ROOMS[room][0]:
        if other not in seen:
            seen.add(other)
            rooms_within_reach(other, seen)
    return seen


NOT_CODE = re.compile("|".join((
    r"//[^\n]*", r"/\*.*?\*/", r'R"(\w*)\(.*?\)\1"', r'"(?:\\.|[^"\\\n])*"', r"(?<!\w)'(?:\\.|[^'\\\n])+'")), re.S)


def blank_out(code):
    """Comments, and what strings and letters hold, become spaces; line numbers stay."""
    def hollow(match):
        text = match.group(0)
        return re.sub(r"[^\n]", " ", text) if text.startswith("/") else text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]
    return re.sub(NOT_CODE, hollow, code)


def line_of(code, position):
    return code.count("\n", 0, position) + 1


def check_includes(path, text):
    room = room_of(path)
    is_test = path.endswith("_test.cc") or path.startswith("tests/")
    for match in re.finditer(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', text, re.M):
        name = match.group(1)
        where = f"{path}:{line_of(text, match.start())}"
        if re.match(r"(torch|ATen|c10)/", name) and path != "worker/models/torch.h":
            problem(f"{where}: LibTorch comes in through worker/models/torch.h alone")
        if room is None or is_test:
            continue
        target = room_of(name)
        if target and target != room and target not in rooms_within_reach(room):
            problem(f"{where}: {room} may not use {target}")
        for pattern, library in LIBRARY_OF_INCLUDE:
            if re.match(pattern, name) and library not in ROOMS[room][1]:
                problem(f"{where}: {room} may not name the library {library}")
        if name.startswith("tests/"):
            problem(f"{where}: product code includes a test header")


def check_names(path, code):
    room = room_of(path)
    is_test = path.endswith("_test.cc") or path.startswith("tests/")
    for pattern, scope, why in BANNED:
        applies = {"all": True, "pure": room in PURE and not is_test, "product": room is not None and not is_test,
                   "tests": is_test}[scope]
        if applies:
            for match in re.finditer(pattern, code):
                problem(f"{path}:{line_of(code, match.start())}: '{match.group(0).strip()}' is banned: {why}")
    if path.startswith("worker/") and "truth.jsonl" in read(path):
        problem(f"{path}: truth.jsonl is for tests and the demo's summary only")


def check_torch_count(texts):
    """Files to compile that take in LibTorch's headers, by whichever way."""
    takes_in = {path: set(re.findall(r'^#include "([^"]+)"', text, re.M)) for path, text in texts.items()}
    reached = {"worker/models/torch.h"}
    while more := {path for path, names in takes_in.items() if path not in reached and names & reached}:
        reached |= more
    users = sorted(path for path in reached if path.endswith(".cc"))
    if len(users) > ALLOWED_TORCH_FILES:
        problem(f"{len(users)} files include LibTorch, at most {ALLOWED_TORCH_FILES}: {', '.join(users)}")
    return users


NO_FUNCTION = re.compile(r"(if|else|for|while|switch|do|try|catch|namespace|struct|class|enum|union|extern)\b")


def functions_of(code):
    """(name, first line, last line) of every block with parameters before it: functions, methods, lambdas, test cases."""
    code = re.sub(r"^[ \t]*#(\\\n|.)*", lambda match: re.sub(r"[^\n]", " ", match.group()), code, flags=re.M)
    found, stack, begin = [], [], 0
    for match in re.finditer(r"[{};]", code):
        if match.group() == "{":
            head = code[begin:match.start()]
            is_function = "(" in head and not NO_FUNCTION.match(head.strip())
            stack.append((" ".join(head.split()), begin + len(head) - len(head.lstrip())) if is_function else None)
        elif match.group() == "}" and stack and (function := stack.pop()):
            found.append((function[0], line_of(code, function[1]), line_of(code, match.start())))
        elif match.group() == ";" and code.count("(", begin, match.start()) > code.count(")", begin, match.start()):
            continue  # inside a for
        begin = match.end()
    return found


def python_functions_of(text):
    return [(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def check_length(path, text, functions):
    if (lines := text.count("\n")) > FILE_LINES:
        too_long(f"{path}: {lines} lines, at most {FILE_LINES}")
    for name, first, last in functions:
        if (lines := last - first + 1) > FUNCTION_LINES:
            too_long(f"{path}:{first}: {lines} lines, at most {FUNCTION_LINES} in a function: {name[:80]}")


def check_links(folder):
    for program, pattern in LINK_RULES:
        binary = os.path.join(folder, program)
        if not os.path.exists(binary):
            problem(f"{program} is not in {folder}: build it first")
            continue
        out = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
        for line in out.splitlines():
            library = line.split()[0] if line.split() else ""
            if re.search(pattern, library):
                problem(f"{program} loads {library}, which its room may not use")
        if len({l.split()[0] for l in out.splitlines() if "libprotobuf.so" in l}) > 1:
            problem(f"{program} loads more than one libprotobuf")


def check_documents():
    for path in tracked(".md"):
        text = read(path)
        titles = re.findall(r"^# ", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
        if len(titles) != 1:
            problem(f"{path}: has {len(titles)} titles, not one")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
                problem(f"{path}: links to {target}, which is not there")
    for path in tracked("README.md"):
        for name in re.findall(r"`((?:common|coordinator|worker|tests|deploy|docs|proto)/[\w./-]+)`", read(path)):
            if not os.path.exists(os.path.join(ROOT, name)):
                problem(f"{path}: names `{name}`, which is not there")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs")
    arguments = parser.parse_args()
    texts = {path: read(path) for path in tracked(".cc", ".h")}
    for path, text in texts.items():
        code = blank_out(text)
        check_includes(path, text)
        check_names(path, code)
        check_length(path, text, functions_of(code))
    for path in tracked(".py"):
        text = read(path)
        check_length(path, text, python_functions_of(text))
    users = check_torch_count(texts)
    check_documents()
    if arguments.programs:
        check_links(arguments.programs)
    print(f"tidy: {len(texts)} files, {len(users)} of them include LibTorch")
    for text in problems + long_ones:
        print("tidy: " + text, file=sys.stderr)
    sys.exit(1 if problems or long_ones else 0)


if __name__ == "__main__":
    main()
