"""The machine: what is set for all alike while it runs and put back afterwards, what it is, and what it can do."""
import contextlib
import datetime
import json
import os
import pathlib
import platform
import resource
import subprocess

# Congestion control: with bbr, results over loopback have two humps. Buffers: as go-libp2p recommends for QUIC, for all.
SETTINGS = {"net.ipv4.tcp_congestion_control": "cubic", "net.core.rmem_max": "8388608", "net.core.wmem_max": "8388608"}
DESCRIPTORS = 65536


def path_of(name):
    return pathlib.Path("/proc/sys", *name.split("."))


@contextlib.contextmanager
def settings(complain):
    """Sets SETTINGS (never less than there is) and gives what is in force; puts back what was there."""
    before = {name: path_of(name).read_text().strip() for name in SETTINGS if path_of(name).exists()}
    try:
        for name, value in SETTINGS.items():
            if name not in before or (value.isdigit() and int(before[name]) >= int(value)) or before[name] == value:
                continue
            try:
                path_of(name).write_text(value)
            except OSError as problem:
                complain(f"{name} stays at {before[name]}: {problem.strerror}")
        yield {name: path_of(name).read_text().strip() for name in before}
    finally:
        for name, value in before.items():
            with contextlib.suppress(OSError):
                if path_of(name).read_text().strip() != value:
                    path_of(name).write_text(value)


def raise_descriptors():
    """For this process and its children; the hard limit too, where that is permitted. What is in force now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in ((max(soft, DESCRIPTORS), max(hard, DESCRIPTORS)), (hard, hard)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, wanted)
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def limits(build):
    """What machine_limits finds; nothing if it is not built."""
    program = build / "bin" / "machine_limits"
    if not program.exists():
        return {}
    return json.loads(subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout)


def description(root):
    """The machine and the tree, for the report."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {"date": datetime.date.today().isoformat(), "cpu": model, "cores": os.cpu_count(),
            "kernel": platform.release(), "load": round(os.getloadavg()[0], 1), "commit": commit or "unknown"}


def pinned(core):
    """The command that keeps a process on one core."""
    return ["taskset", "-c", str(core % (os.cpu_count() or 1))]
