"""The breaking-change guard: contracts in the work tree against their versions in git.

Compared with the commit that is checked out (what is not yet committed), and with the point where
the branch left `main`, or on `main` itself with the commit before (what was committed last).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from onesource.contracts.breaking import (
    Change,
    Step,
    compare,
    needed_version,
    version_parts,
)
from onesource.contracts.every_error import FOLDERS
from onesource.contracts.findings import Finding, Weight
from onesource.contracts.load import Lines, dates_as_text, read_yaml
from onesource.errors import ContractError

MAIN = ("main", "origin/main", "master", "origin/master")
# Nobody may rely on these yet, or any more.
_FREE = frozenset({"proposed", "draft", "deprecated", "retired"})


class NoGit(Exception):
    """Why there is nothing to compare with, in words."""


def check_history(home: Path) -> Iterator[Finding]:
    """Errors for breaking changes without a major version; notes for the others.

    Where there is no git, or no commit, one note says that nothing was compared.
    """
    try:
        bases = compared_commits(home)
    except NoGit as e:
        what = f"breaking changes were not looked for: {e}"
        yield Finding(Weight.NOTE, "schemas", what)
        return
    for base in bases:
        yield from _against(home, base)


def compared_commits(home: Path) -> list[str]:
    """The commits to compare with. `ONESOURCE_BASE` names another one instead. Raises NoGit."""
    if base := os.environ.get("ONESOURCE_BASE"):
        return [_git(home, "rev-parse", "--verify", f"{base}^{{commit}}")]
    head = _git(home, "rev-parse", "--verify", "HEAD")
    for branch in MAIN:
        try:
            left = _git(home, "merge-base", branch, "HEAD")
        except NoGit:
            continue
        if left != head:
            return [head, left]
        break
    try:
        return [head, _git(home, "rev-parse", "--verify", "HEAD~1")]
    except NoGit:
        return [head]


def _git(home: Path, *arguments: str) -> str:
    """What git answers. Raises NoGit with its first words otherwise."""
    try:
        done = subprocess.run(
            ["git", "-C", str(home), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as e:
        raise NoGit("git is not installed") from e
    except subprocess.TimeoutExpired as e:
        raise NoGit("git does not answer") from e
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["git gave no answer"]
        raise NoGit(_plain(words[0]))
    return done.stdout.rstrip("\n")


def _plain(words: str) -> str:
    if "not a git repository" in words:
        return "this is no git repository"
    if "dubious ownership" in words:
        return "git does not trust the folder's owner (git config --global safe.directory)"
    if "Needed a single revision" in words or "unknown revision" in words:
        return "there is no such commit yet"
    return words.removeprefix("fatal: ")


def _against(home: Path, base: str) -> Iterator[Finding]:
    try:
        # The project may stand below the root of the repository.
        prefix = _git(home, "rev-parse", "--show-prefix")
        folders = [f"{prefix}schemas/{folder}" for folder in FOLDERS.values()]
        listed = _git(home, "ls-tree", "-r", "-z", "--full-tree", "--name-only", base, *folders)
        for name in sorted(n for n in listed.split("\0") if n.endswith(".yaml")):
            old = _value(_git(home, "show", f"{base}:{name}"))
            if old is not None:
                yield from _one(home, name.removeprefix(prefix), old, base[:10])
    except NoGit as e:
        yield Finding(Weight.NOTE, "schemas", f"breaking changes since {base[:10]}: {e}")


def _value(text: str) -> dict[str, Any] | None:
    try:
        value = dates_as_text(yaml.safe_load(text))
    except yaml.YAMLError:
        return None
    return value if isinstance(value, dict) else None


def _one(home: Path, name: str, old: dict[str, Any], base: str) -> Iterator[Finding]:
    path = home / name
    free = str(old.get("status")) in _FREE
    if not path.exists():
        if not free:
            yield Finding(
                Weight.ERROR,
                name,
                f"the contract {old.get('id')} {old.get('version')} was removed since {base}",
                "set its status to deprecated or retired first, and remove it in a later change",
            )
        return
    try:
        new, lines = read_yaml(path)
    except ContractError:
        return  # said elsewhere
    new = dates_as_text(new)
    if not isinstance(new, dict):
        return
    changes = compare(old, new)
    was, now = version_parts(old.get("version")), version_parts(new.get("version"))
    if now < was:
        what = f"the version went back from {old.get('version')} to {new.get('version')}"
        yield Finding(Weight.ERROR, f"{name}:{lines.at(('version',))}", what)
    elif changes:
        yield from _judged(name, lines, new, changes, (old, base, free))


def _judged(
    name: str,
    lines: Lines,
    new: dict[str, Any],
    changes: list[Change],
    before: tuple[dict[str, Any], str, bool],
) -> Iterator[Finding]:
    old, base, free = before
    was, now = version_parts(old.get("version")), version_parts(new.get("version"))
    wanted = needed_version(str(old.get("version")), changes)
    step = max(c.step for c in changes)
    enough = {Step.MAJOR: now[0] > was[0], Step.MINOR: now[:2] > was[:2], Step.PATCH: now > was}
    if enough[step]:
        return
    if step is not Step.MAJOR:
        shown = "; ".join(f"{c.field}: {c.what}" if c.field else c.what for c in changes)
        what = f"since {base} ({old.get('version')}): {shown}"
        yield Finding(
            Weight.NOTE,
            f"{name}:{lines.at(('version',))}",
            what,
            f"the next version is {wanted} ({step.name.lower()})",
        )
        return
    for c in changes:
        if c.step is Step.MAJOR:
            yield Finding(
                Weight.NOTE if free else Weight.ERROR,
                f"{name}:{lines.at(_position(new, c.field))}",
                f"breaking since {base} ({old.get('version')}): "
                + (f"{c.field}: {c.what}" if c.field else c.what),
                "" if free else f"set version to {wanted}, or take the change back",
            )


def _position(raw: dict[str, Any], field: str | None) -> tuple[str | int, ...]:
    objects = raw.get("schema") or [{}]
    fields = objects[0].get("properties") or [] if isinstance(objects[0], dict) else []
    for i, f in enumerate(fields):
        if isinstance(f, dict) and f.get("name") == field:
            return ("schema", 0, "properties", i)
    return ("version",)
