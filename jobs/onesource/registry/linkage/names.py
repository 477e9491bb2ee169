"""Chinese names: characters that are one another's variant, and how they sound."""

from __future__ import annotations

from importlib.util import find_spec

# Pinyin needs a dictionary of readings; where no library brings one, sound is not compared.
HAS_PINYIN = find_spec("pypinyin") is not None
# Traditional and variant forms that stand in names, each with the form of the standard list.
VARIANTS = (
    "張张劉刘陳陈楊杨趙赵黃黄吳吴孫孙馬马羅罗鄭郑謝谢許许韓韩馮冯鄧邓蕭萧肖萧葉叶閆阎閻阎闫阎"
    "蘇苏盧卢蔣蒋賈贾譚谭陸陆範范龍龙萬万錢钱湯汤賴赖龔龚莊庄顏颜倫伦嚴严齊齐喬乔賀贺蘭兰華华"
    "國国偉伟軍军強强彊强傑杰濤涛麗丽鳳凤蓮莲紅红艷艳豔艳蘋苹榮荣貴贵寶宝慶庆維维衛卫興兴長长"
    "東东風风飛飞鵬鹏鴻鸿龜龟輝辉煇辉曉晓燁烨煒炜煥焕燦灿愛爱靜静穎颖瑩莹嬌娇嫻娴嫺娴嵐岚嶺岭"
    "崗岗峯峰淵渊潔洁澤泽濱滨瀟潇灝灏滿满漢汉湧涌沖冲淨净淩凌洩泄樹树樺桦棟栋楨桢櫻樱橋桥標标"
    "樑梁機机權权歡欢齡龄壽寿鐵铁鋼钢銀银錦锦鋒锋鎮镇銘铭鈞钧鐘钟鍾钟鋭锐銳锐鑒鉴鑑鉴雲云霧雾"
    "電电靈灵韻韵順顺領领頁页預预頌颂願愿類类駿骏騰腾驊骅馳驰學学勝胜勳勋勛勋務务動动勞劳協协"
    "單单衆众眾众會会傳传億亿儀仪優优償偿備备侖仑俠侠倉仓來来併并並并兒儿進进達达遠远運运連连"
    "遷迁選选還还邊边鄒邹鄔邬鄺邝酈郦閔闵關关門门開开間间陽阳陰阴隊队際际隨随險险雙双雜杂難难"
    "義义羣群習习聰聪職职聖圣聯联聲声聞闻腦脑膽胆臨临藝艺藍蓝蘆芦薈荟蔭荫蔔卜蕓芸藥药莖茎號号"
    "術术衝冲補补裝装見见規规視视覺觉觀观計计訓训記记詩诗話话詢询語语説说說说誠诚調调論论諾诺"
    "謀谋謙谦講讲識识證证讓让豐丰財财責责賢贤質质贊赞讚赞資资賓宾賽赛車车轉转輪轮農农廣广應应"
    "懷怀憶忆憐怜恆恒恵惠悅悦惲恽愷恺態态戰战戲戏掃扫揚扬換换損损搶抢擇择擔担據据時时晉晋晝昼"
    "暉晖曄晔書书條条業业極极構构檢检殘残氣气決决況况測测準准溫温滄沧漁渔濟济為为爲为無无煙烟"
    "爾尔犧牺獻献環环現现瑪玛瓊琼畫画當当療疗發发皚皑盡尽監监礦矿碩硕確确禮礼禎祯祿禄種种積积"
    "穩稳窮穷競竞筆笔節节築筑簡简籌筹粵粤紀纪純纯納纳紗纱級级紋纹紹绍終终組组結结絲丝經经綠绿"
    "網网緒绪線线綺绮綱纲綿绵緣缘編编練练縣县總总績绩織织繼继續续纓缨羨羡喆哲堃坤昇升陞升甦苏"
    "囍喜"
)
FROM, TO = VARIANTS[::2], VARIANTS[1::2]


def variant_sql(column: str) -> str:
    """The name with every variant character replaced by the standard one."""
    # DuckDB makes its table of characters anew for each row: only few names have one of them.
    has = f"regexp_matches({column}, '[{FROM}]')"
    return f"CASE WHEN {has} THEN translate({column}, '{FROM}', '{TO}') ELSE {column} END"


def pinyin(name: str) -> str:
    """The name's sound in letters without tones; needs the library pypinyin."""
    from pypinyin import lazy_pinyin  # type: ignore[import-not-found]

    return " ".join(lazy_pinyin(name))
