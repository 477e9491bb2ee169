-- Purpose: did a mine raise more than it may, by every rule that was in force: month against plan
--   (or a twelfth of approved capacity where there is no plan), major hazard by month and by year,
--   and the 276 working days of 2016. Rules with their dates: codelist.coal_rules.
-- Grain: one row per county, mine, month and rule that applies; is_over says whether it is broken.
-- Units: tonnes. Month: the sum of the days; where days were not reported, the mine's own 月累 if
--   that is more. Year: from 1 January to the end of the month, the more of the mine's own 年累 and
--   the sum of the months.
-- Population: none.
-- Privacy: single mines; internal use. Mines stand by their USCC, which is public.
WITH daily AS (
  SELECT
    substr(county_code, 1, 6) AS county_code,
    mine_uscc,
    mine_name,
    report_date,
    trunc(report_date, 'MM') AS month_start,
    capacity_t_per_year,
    plan_month_t,
    output_day_t,
    output_month_t,
    output_year_t,
    output_month_t > day(report_date) * capacity_t_per_year / 330 * 2
      OR output_day_t > capacity_t_per_year / 330 * 2
      OR (output_day_t > 0 AND output_day_t < capacity_t_per_year / 330 / 1000) AS is_doubtful
  FROM silver.energy_coal_daily
),
monthly AS (
  SELECT
    county_code,
    mine_uscc,
    month_start,
    max_by(mine_name, report_date) AS mine_name,
    max_by(capacity_t_per_year, report_date) AS capacity_t_per_year,
    max(plan_month_t) AS plan_month_t,
    sum(output_day_t) AS output_days_t,
    max_by(output_month_t, report_date) AS reported_month_t,
    max(day(report_date)) AS last_day_reported,
    max_by(output_year_t, report_date) AS reported_year_t,
    count(*) AS days_reported,
    count(CASE WHEN is_doubtful THEN 1 END) AS doubtful_days
  FROM daily
  GROUP BY county_code, mine_uscc, month_start
),
covered AS (
  SELECT
    county_code,
    mine_uscc,
    mine_name,
    month_start,
    capacity_t_per_year,
    plan_month_t,
    days_reported,
    doubtful_days,
    reported_year_t,
    CASE WHEN days_reported < last_day_reported
      THEN greatest(output_days_t, coalesce(reported_month_t, 0))
      ELSE output_days_t END AS output_month_t
  FROM monthly
),
measured AS (
  SELECT
    county_code,
    mine_uscc,
    mine_name,
    month_start,
    capacity_t_per_year,
    plan_month_t,
    output_month_t,
    days_reported,
    doubtful_days,
    last_day(month_start) AS judged_on,
    -- Reports may begin within the year: then only the mine's own sum covers all of it.
    greatest(
      coalesce(reported_year_t, 0),
      sum(output_month_t) OVER (PARTITION BY county_code, mine_uscc, year(month_start)
        ORDER BY month_start)
    ) AS output_year_t
  FROM covered
),
judged AS (
  SELECT
    m.county_code,
    m.mine_uscc,
    m.mine_name,
    m.month_start,
    m.days_reported,
    m.doubtful_days,
    r.code AS rule,
    r.name AS rule_zh,
    r.kind,
    r.period,
    CAST(r.ratio AS DECIMAL(9, 4)) AS ratio,
    CASE r.period WHEN 'month' THEN m.output_month_t ELSE m.output_year_t END AS output_t,
    CASE r.base
      WHEN 'plan' THEN m.plan_month_t
      WHEN 'capacity_month' THEN m.capacity_t_per_year / 12
      WHEN 'capacity_year' THEN m.capacity_t_per_year
    END AS base_t
  FROM measured m
  JOIN codelist.coal_rules r
    ON m.judged_on >= r.valid_from AND (r.valid_to IS NULL OR m.judged_on < r.valid_to)
    AND (r.base <> 'plan' OR m.plan_month_t IS NOT NULL)
    AND (r.base <> 'capacity_month' OR m.plan_month_t IS NULL)
  WHERE m.capacity_t_per_year IS NOT NULL
)
SELECT
  j.county_code,
  coalesce(c.name, j.county_code) AS county_name,
  j.mine_uscc,
  j.mine_name,
  date_format(j.month_start, 'yyyy-MM') AS month,
  j.rule,
  j.rule_zh,
  j.kind,
  j.period,
  CAST(j.output_t AS DECIMAL(20, 3)) AS output_t,
  CAST(j.base_t * j.ratio AS DECIMAL(20, 3)) AS limit_t,
  j.output_t > j.base_t * j.ratio AS is_over,
  CAST(j.output_t / nullif(j.base_t * j.ratio, 0) AS DECIMAL(12, 6)) AS ratio_to_limit,
  j.days_reported,
  j.doubtful_days
FROM judged j
LEFT JOIN codelist.county c ON c.code = j.county_code
