-- Purpose: what a station of wind or sun fed in on a day.
-- Grain: one row per station and day with at least one reading.
-- Units: MWh, MW, hours. Energy is the sum of the quarters of an hour that were reported; values
--   below zero (a station's own use at night) count as nothing. coverage says how much of the day
--   was reported.
-- Population: none.
-- Privacy: stations, no persons.
WITH quarters AS (
  SELECT
    station_id,
    energy_kind,
    capacity_mw,
    to_date(interval_start) AS day,
    power_mw,
    -- Two in a hundred above the installed capacity is the inverter's and the meter's tolerance.
    power_mw > capacity_mw * 1.02 AS is_above_capacity
  FROM silver.energy_renewable_output
  WHERE power_mw IS NOT NULL
)
SELECT
  station_id,
  day,
  max(energy_kind) AS energy_kind,
  max(capacity_mw) AS capacity_mw,
  CAST(sum(greatest(power_mw, 0)) * 0.25 AS DECIMAL(16, 4)) AS energy_mwh,
  CAST(max(power_mw) AS DECIMAL(14, 6)) AS peak_mw,
  CAST(sum(greatest(power_mw, 0)) * 0.25 / max(capacity_mw) AS DECIMAL(9, 4)) AS full_load_hours,
  count(*) AS points,
  CAST(count(*) / 96.0 AS DECIMAL(9, 6)) AS coverage,
  count(CASE WHEN power_mw < 0 THEN 1 END) AS negative_points,
  count(CASE WHEN is_above_capacity THEN 1 END) AS above_capacity_points
FROM quarters
GROUP BY station_id, day
