-- Purpose: what each mine raised in a month; from it the shares of a county's output are reckoned
--   when output by county is published.
-- Grain: one row per mine, county and month with at least one report.
-- Units: tonnes.
-- Population: none.
-- Privacy: output of single enterprises (商业秘密): internal use, never published.
SELECT
  substr(county_code, 1, 6) AS county_code,
  date_format(report_date, 'yyyy-MM') AS month,
  mine_uscc,
  CAST(sum(output_day_t) AS DECIMAL(20, 3)) AS output_t,
  count(*) AS mine_days
FROM silver.energy_coal_daily
GROUP BY substr(county_code, 1, 6), date_format(report_date, 'yyyy-MM'), mine_uscc
