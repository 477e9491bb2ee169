"""`CHANGES.md`: what a reader of the release before wants to know, in words."""

from __future__ import annotations

from collections.abc import Iterator

from onesource.publish.model import BuiltDataset, Release

_KIND = (("added", "新增"), ("changed", "更正"), ("removed", "移除"))


def changes(release: Release) -> str:
    """Chinese first, the dataset's English name beside it."""
    return "\n".join(_lines(release)) + "\n"


def _lines(release: Release) -> Iterator[str]:
    yield f"# {release.city}公共数据开放 {release.day}"
    yield ""
    if release.previous:
        yield f"与上一期 {release.previous} 相比。 Against the release {release.previous}."
    else:
        yield "首期。 The first release."
    yield ""
    changed = [d for d in release.datasets if not d.difference.is_empty]
    yield "## 有变化的数据集 Changed"
    yield ""
    for d in changed:
        yield from _dataset(d)
    if not changed:
        yield "没有。 None."
    yield ""
    yield "## 本期未开放的数据集 Held"
    yield ""
    for h in release.held:
        o = h.contract.open
        yield f"* **{h.contract.business_name}** ({o.name_en}): {h.reason_zh} {h.reason_en}"
    if not release.held:
        yield "没有。 None."
    yield ""
    same = [d.contract.business_name for d in release.datasets if d.difference.is_empty]
    if same:
        yield "## 没有变化的数据集 Unchanged"
        yield ""
        yield "、".join(same)


def _dataset(d: BuiltDataset) -> Iterator[str]:
    diff, c = d.difference, d.contract
    name = f"* **{c.business_name}** ({c.open.name_en})"
    if diff.rows_before is None:
        yield f"{name}: 新数据集，{d.rows} 行。 New, {d.rows} rows."
        return
    words = [f"{zh} {diff.counts[k]} 行" for k, zh in _KIND if diff.counts.get(k)]
    english = [f"{diff.counts[k]} {k}" for k, _ in _KIND if diff.counts.get(k)]
    if diff.schema:
        words.append("字段变化：" + "，".join(diff.schema))
        english.append("columns: " + ", ".join(diff.schema))
    yield f"{name}: {'，'.join(words)}。 {', '.join(english)}; {diff.rows_before} → {d.rows} rows."
    for reason in diff.reasons:
        yield f"  * 原因 why: {reason}"
    if d.quality.held_zh:
        held = f"更新的版本被扣留：{d.quality.held_zh} A later version is held: {d.quality.held_en}"
        yield f"  * {held}"
