-- Purpose: what wind and sun fed in, by kind and month.
-- Grain: one row per kind of energy and month with at least one reading.
-- Units: MWh, MW, hours. full_load_hours is energy over the capacity of the stations that reported.
-- Population: none.
-- Privacy: sums over stations, no persons.
WITH stations AS (
  SELECT
    energy_kind,
    station_id,
    trunc(day, 'MM') AS month_start,
    max(capacity_mw) AS capacity_mw,
    sum(energy_mwh) AS energy_mwh,
    max(peak_mw) AS peak_mw,
    sum(points) AS points
  FROM curated.energy_renewable_day
  GROUP BY energy_kind, station_id, trunc(day, 'MM')
)
SELECT
  energy_kind,
  date_format(month_start, 'yyyy-MM') AS month,
  count(*) AS stations_count,
  CAST(sum(capacity_mw) AS DECIMAL(14, 3)) AS capacity_mw,
  CAST(sum(energy_mwh) AS DECIMAL(18, 4)) AS energy_mwh,
  CAST(max(peak_mw) AS DECIMAL(14, 6)) AS largest_station_peak_mw,
  CAST(sum(energy_mwh) / sum(capacity_mw) AS DECIMAL(12, 4)) AS full_load_hours,
  CAST(sum(points) / (96.0 * dayofmonth(last_day(month_start)) * count(*)) AS DECIMAL(9, 6))
    AS coverage
FROM stations
GROUP BY energy_kind, month_start
