"""Files that are entirely old or entirely new, and on disk when a call returns."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from onesource.errors import OneSourceError


def sync_directory(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomically(path: Path, text: str) -> None:
    """Replaces the file by one that holds `text`; a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        part.replace(path)
    except OSError as e:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OneSourceError(
            "cannot be written", where=str(path), why=e.strerror or str(e), todo="free the disk"
        ) from e
    sync_directory(path.parent)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def sync_file_system(folder: Path) -> None:
    """Brings everything written to the folder's file system onto the disk.

    Delta's writers do not call fsync; one syncfs after a commit costs about 2 ms.
    """
    fd = os.open(folder, os.O_RDONLY)
    try:
        if _syncfs is None or _syncfs(fd) != 0:
            os.sync()
    finally:
        os.close(fd)


def _load_syncfs() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None


_syncfs = _load_syncfs()


@contextmanager
def locked(path: Path, *, wait: bool = True, busy: str = "") -> Iterator[None]:
    """Holds an exclusive lock on the file `path`; the system frees it when the process ends.

    Raises OneSourceError with `busy` when another process holds it and `wait` is False.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise OneSourceError(busy or f"{path} is held by another process") from e
        try:
            yield
        finally:
            fcntl.flock(f, fcntl.LOCK_UN)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for what is put down while a step works; it is removed after it."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
