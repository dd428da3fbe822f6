"""Memory available, and processes that the kernel killed for lack of it; a system that reports neither has room."""

from __future__ import annotations

from pathlib import Path

PLENTY = 1 << 62
GROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that a new process may use: of the machine, or of our control group if that is less."""
    used = _number(GROUP / "memory.current", 0) - _cached()
    return min(_meminfo("MemAvailable"), _number(GROUP / "memory.max") - used)


def total() -> int:
    """Bytes of memory of the machine, or of our control group."""
    return min(_meminfo("MemTotal"), _number(GROUP / "memory.max"))


def kills() -> int:
    """Processes that the kernel has killed so far because memory was short."""
    return _fields(Path("/proc/vmstat")).get("oom_kill", 0) + _fields(GROUP / "memory.events").get("oom_kill", 0)


def _meminfo(name: str) -> int:
    kilobytes = _fields(Path("/proc/meminfo")).get(f"{name}:")
    return PLENTY if kilobytes is None else kilobytes * 1024


def _cached() -> int:
    """Files that our control group is charged for, which the kernel drops when it needs room."""
    stat = _fields(GROUP / "memory.stat")
    return stat.get("inactive_file", 0) + stat.get("active_file", 0)


def _fields(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    words = [line.split() for line in _text(path).splitlines()]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}


def _number(path: Path, otherwise: int = PLENTY) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else otherwise


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # another system, which does not report it
        return ""
