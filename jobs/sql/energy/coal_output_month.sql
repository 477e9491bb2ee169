-- Purpose: raw coal raised and sold, by county and month, from the daily reports as they stand now.
--   A correction that comes after the month's close re-states the month; the version before stays
--   readable, and restated_mine_days says how many mine-days were filed after the close.
-- Grain: one row per county and month with at least one report.
-- Units: tonnes; coverage is reported over owed mine-days.
-- Population: none.
-- Privacy: where fewer than three mines report, the output is theirs: internal use; suppress before
--   anything is published (mines_count).
WITH daily AS (
  SELECT
    substr(county_code, 1, 6) AS county_code,
    trunc(report_date, 'MM') AS month_start,
    report_date,
    mine_uscc,
    output_day_t,
    output_month_t,
    sales_day_t,
    plan_month_t,
    reported_at,
    -- Above twice the day's share of approved capacity, or below a thousandth of it: another unit
    -- or a slip. 330 working days are those on which capacity is reckoned.
    output_day_t > capacity_t_per_year / 330 * 2
      OR (output_day_t > 0 AND output_day_t < capacity_t_per_year / 330 / 1000) AS is_doubtful,
    row_number() OVER (PARTITION BY county_code, mine_uscc, trunc(report_date, 'MM')
      ORDER BY report_date DESC) AS from_last
  FROM silver.energy_coal_daily
),
monthly AS (
  SELECT
    county_code,
    month_start,
    sum(output_day_t) AS output_t,
    sum(CASE WHEN is_doubtful THEN output_day_t ELSE 0 END) AS output_doubtful_t,
    sum(CASE WHEN from_last = 1 THEN output_month_t END) AS output_cumulative_t,
    sum(sales_day_t) AS sales_t,
    sum(CASE WHEN from_last = 1 THEN plan_month_t END) AS plan_t,
    count(DISTINCT mine_uscc) AS mines_count,
    count(DISTINCT report_date) AS report_days,
    count(*) AS mine_days,
    count(CASE WHEN is_doubtful THEN 1 END) AS doubtful_mine_days,
    -- The month is closed on the third day of the next one.
    count(CASE WHEN reported_at >= CAST(date_add(last_day(month_start), 3) AS TIMESTAMP) THEN 1 END)
      AS restated_mine_days,
    max(reported_at) AS last_reported_at
  FROM daily
  GROUP BY county_code, month_start
)
SELECT
  m.county_code,
  coalesce(c.name, m.county_code) AS county_name,
  date_format(m.month_start, 'yyyy-MM') AS month,
  CAST(m.output_t AS DECIMAL(20, 3)) AS output_t,
  CAST(m.output_doubtful_t AS DECIMAL(20, 3)) AS output_doubtful_t,
  CAST(m.output_cumulative_t AS DECIMAL(20, 3)) AS output_cumulative_t,
  CAST(m.sales_t AS DECIMAL(20, 3)) AS sales_t,
  CAST(m.plan_t AS DECIMAL(20, 3)) AS plan_t,
  m.mines_count,
  m.report_days,
  dayofmonth(last_day(m.month_start)) AS days_in_month,
  m.mine_days,
  CAST(m.mine_days / (m.mines_count * dayofmonth(last_day(m.month_start))) AS DECIMAL(9, 6))
    AS coverage,
  m.doubtful_mine_days,
  m.restated_mine_days,
  m.last_reported_at
FROM monthly m
LEFT JOIN codelist.county c ON c.code = m.county_code
