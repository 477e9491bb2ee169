"""English column names for the headers of departments: a first guess that a person corrects.

Only words that come often; a header that they do not cover is called by its place (`column_3`),
which is honest and easy to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from onesource.ingest.readers.headers import normalised

_TABLE = """
序号=line_no 编号=id 编码=code 代码=code 号码=number 名称=name 姓名=person_name 全称=full_name
简称=short_name 类型=type 类别=category 种类=kind 性质=nature 等级=grade 级别=level
状态=status 备注=remark 说明=note 描述=description 内容=content 来源=source 用途=purpose
单位=unit 标准=standard 依据=basis 结果=result 原因=reason

省=province 市=city 县=county 区=district 县区=county 县市区=county 县(市、区)=county
区县=county 旗县=county 乡镇=town 乡=town 镇=town 街道=street 村=village 行政村=village
社区=community 区划=division 行政区划=division 地区=region 地址=address 住址=address
位置=location 地点=place 经度=longitude 纬度=latitude 坐标=coordinates 海拔=altitude
边界=boundary 父级=parent 上级=parent 站点=station 线路=route

日期=on_date 时间=at_time 年度=year 年份=year 年=year 季度=quarter 月份=month 月=month 日=day
当日=day 本日=day 当月=month 本月=month 月累=month_total 月累计=month_total
本月累计=month_total 年累=year_total 年累计=year_total 本年累计=year_total 累计=total
开始=start 结束=end 起始=start 终止=end 更新=updated 登记=registered 报告=report
统计=statistics 成立=founded 注册=registered 有效期=valid 检查=inspection 填报=reported
上报=reported 发生=occurred 期=period

性别=sex 民族=ethnicity 年龄=age 出生=birth 身份证=id_card 身份证号=id_card_no
身份证号码=id_card_no 证件=document 电话=phone 手机=mobile 手机号=mobile 联系=contact
联系人=contact_person 联系电话=contact_phone 户主=householder 关系=relation 文化程度=education
婚姻=marriage 职业=occupation 人口=population 人数=people_count 户数=household_count
户=household 人=person 人次=visits 职工=staff 从业=employed 法人=legal_person
法定代表人=legal_representative

企业=company 公司=company 机构=institution 部门=department 学校=school 医院=hospital
煤矿=coal_mine 矿井=mine 矿=mine 电站=power_station 电厂=power_plant 景区=scenic_spot
项目=project 统一社会信用代码=uscc 社会信用代码=uscc 信用代码=uscc 行业=industry 经营=business
许可证=licence 许可=licence 车牌=plate 车牌号=plate_no 车辆=vehicle 车型=vehicle_type

数量=quantity 金额=amount 总额=total_amount 价格=price 单价=unit_price 费用=cost 收入=income
支出=expense 投资=investment 补贴=subsidy 产量=output 产能=capacity 销量=sales 销售=sales
库存=stock 产值=output_value 面积=area 长度=length 高度=height 重量=weight 容量=capacity
装机=installed 装机容量=installed_capacity 功率=power 电量=energy 发电量=generation
用电量=consumption 电压=voltage 温度=temperature 湿度=humidity 风速=wind_speed 比例=share
比率=ratio 占比=share 增长=growth 增速=growth 率=rate 合计=total 总数=total 次数=times
计划=plan 实际=actual 核定=approved 设计=design 生产=production 原煤=raw_coal 贷款=loans
存款=deposits 余额=balance 数=count 量=quantity 值=value 是否=is 号=no 证号=document_no
发放=payment 开工=start 竣工=completion 出力=power 所属=own 建设=construction
热量=heat 煤种=coal_type 煤=coal 电=electricity 水=water 总=total
"""
# things · places · times · people · organisations · quantities, one paragraph each
WORDS = dict(pair.split("=") for pair in _TABLE.split())
_BY_HEADER = {normalised(k): v for k, v in WORDS.items()}
_LONGEST = max(map(len, _BY_HEADER))
_BRACKETS = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]")


def column_names(headers: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """One snake_case name per header, all different, none of them reserved."""
    taken = set(reserved)
    out: list[str] = []
    for place, header in enumerate(headers, 1):
        name = english(header) or f"column_{place}"
        unique, number = name, 1
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        out.append(unique)
    return out


def english(header: str) -> str | None:
    """`产量/当日` → `output_day`; None when a part of the header is no known word."""
    whole = normalised(header)
    if whole in _BY_HEADER:
        return _BY_HEADER[whole]
    bare = _BRACKETS.sub("", whole)
    if bare.isascii():
        return _snake(_BRACKETS.sub(" ", header) if _BRACKETS.search(header) else header)
    parts: list[str] = []
    for piece in re.split(r"[/、,，:：;；\-_ .]+", bare):
        found = _segments(piece)
        if found is None:
            return None
        parts.extend(found)
    kept = [p for i, p in enumerate(parts) if i == 0 or p != parts[i - 1]]
    return _snake("_".join(kept)) if kept else None


def _segments(text: str) -> list[str] | None:
    """The words of a Chinese text, the longest first; None when one is not known."""
    out: list[str] = []
    at = 0
    while at < len(text):
        run = re.match(r"[a-z0-9]+", text[at:])
        if run:
            out.append(run.group())
            at += run.end()
            continue
        for size in range(min(_LONGEST, len(text) - at), 0, -1):
            word = _BY_HEADER.get(text[at : at + size])
            if word:
                out.append(word)
                at += size
                break
        else:
            return None
    return out


def _snake(text: str) -> str | None:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:60].strip("_")
    if not name:
        return None
    return name if name[0].isalpha() else f"n_{name}"
