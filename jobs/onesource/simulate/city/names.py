"""Names as frequent as they are: surnames of the region, given names by sex and generation."""

from __future__ import annotations

import numpy as np

from onesource.simulate.city.numbers import Ints, Objects, texts

# Surname and weight: the common ones of northern China, with those of the region moved up.
_SURNAMES = (
    "王 95 李 88 张 85 刘 62 高 40 薛 34 郭 32 任 30 冯 27 武 26 杨 24 赵 24 陈 20 马 18 白 18 "
    "康 17 梁 16 贾 16 孙 14 牛 13 田 13 成 12 雷 12 "
    "侯 12 韩 12 吴 11 闫 11 秦 10 宋 10 曹 10 苏 9 "
    "程 9 杜 9 郝 9 严 8 樊 8 穆 7 车 7 温 7 胡 7 "
    "许 7 崔 7 史 6 吕 6 孟 6 段 6 乔 6 姚 6 董 6 "
    "尹 6 任 4 周 6 徐 5 朱 5 何 5 林 4 罗 4 邓 3 萧 3 解 3 卫 3 渠 2 弓 2 续 2 呼延 1 欧阳 1 "
    "上官 1 令狐 1 逯 1"
)
_MALE_OLD = (
    "建国 建军 志强 玉柱 福生 保林 银柱 金锁 天喜 拴柱 "
    "德厚 学文 占奎 守义 明亮 永红 爱国 文革 来福 海生"
)
_FEMALE_OLD = (
    "秀英 桂兰 玉兰 改花 巧莲 翠莲 爱珍 月娥 凤英 改莲 "
    "候爱 桂花 秀珍 兰英 引弟 补莲 玉梅 爱香 春梅 金莲"
)
_MALE_CHARS = "伟强军勇涛斌鹏飞杰峰磊亮波辉刚超凯宇浩博轩晨阳泽瑞文志明建国林海平龙云鑫亚东小永"
_FEMALE_CHARS = "丽娟敏静艳芳霞燕娜婷雪慧玲红梅晓佳怡欣雨梦瑶琪璐倩莹颖洁萍云琴爱巧瑞文小亚春秀"
_RARE = ("䶮", "𠮷", "㛃", "璟", "堃", "喆", "淼", "垚", "犇", "䘵")
_FOREIGN = ("买买提·吐尔逊", "阿依古丽·买买提", "古丽娜尔·艾山", "扎西·次仁", "阿卜杜拉·艾合麦提")
FOREIGNERS = ("JOHN SMITH", "MARIA GARCIA", "ANNA KOWALSKA", "PETER MUELLER", "NGUYEN VAN AN")
ETHNICITIES = ("01", "03", "02", "11", "15", "05", "04", "06")
_ETHNIC_SHARES = (0.9955, 0.0018, 0.0006, 0.0008, 0.0004, 0.0003, 0.0003, 0.0003)
_RARE_SHARE = 0.002


def _surnames() -> tuple[Objects, np.ndarray]:
    parts = _SURNAMES.split()
    weights = np.array([float(w) for w in parts[1::2]])
    return texts(parts[::2]), weights / weights.sum()


SURNAMES, _WEIGHTS = _surnames()


def surnames(draw: np.random.Generator, count: int) -> Ints:
    """Indices into SURNAMES."""
    return draw.choice(len(SURNAMES), size=count, p=_WEIGHTS).astype(np.int64)


def given(draw: np.random.Generator, male: np.ndarray, born: Ints) -> Objects:
    """Given names: one or two characters; now and then one outside GBK, as registers hold them."""
    out = np.empty(len(male), dtype=object)
    old = (born < 1966) & (draw.random(len(male)) < 0.6)
    single = draw.random(len(male)) < np.where(born < 1950, 0.1, np.where(born < 2000, 0.3, 0.12))
    for is_male, names, chars in (
        (True, _MALE_OLD.split(), _MALE_CHARS),
        (False, _FEMALE_OLD.split(), _FEMALE_CHARS),
    ):
        mine = np.flatnonzero(male == is_male)
        # Two uneven draws: a few characters are in every second name, many in few.
        first = (draw.random(len(mine)) ** 1.5 * len(chars)).astype(int)
        second = (draw.random(len(mine)) ** 1.5 * len(chars)).astype(int)
        which = draw.integers(0, len(names), len(mine))
        out[mine] = [
            names[w] if o else chars[a] if s else chars[a] + chars[b]
            for w, o, s, a, b in zip(which, old[mine], single[mine], first, second, strict=True)
        ]
    for i in np.flatnonzero(draw.random(len(male)) < _RARE_SHARE):
        out[i] = out[i][:-1] + _RARE[int(draw.integers(len(_RARE)))]
    return out


def ethnicities(draw: np.random.Generator, count: int) -> Objects:
    which = draw.choice(len(ETHNICITIES), size=count, p=_ETHNIC_SHARES)
    return texts(list(ETHNICITIES))[which]


def dotted(draw: np.random.Generator) -> str:
    return _FOREIGN[int(draw.integers(len(_FOREIGN)))]
