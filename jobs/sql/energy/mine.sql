-- Purpose: the coal mines of the city with what they may raise, one row a mine and state.
-- Grain: one row per mine and status; a mine that works and is being enlarged has two.
-- Units: million tonnes a year (Mt/a), degrees (WGS-84).
-- Population: none.
-- Privacy: mines are enterprises; their capacity and place are announced by the province.
SELECT
  m.mine_id,
  m.status,
  m.name_cn,
  m.name_en,
  m.capacity_mtpa,
  m.mine_type,
  m.gas_level,
  substr(m.county_code, 1, 6) AS county_code,
  c.name AS county_name,
  CAST(m.longitude AS DECIMAL(9, 6)) AS longitude,
  CAST(m.latitude AS DECIMAL(9, 6)) AS latitude,
  m.location_accuracy,
  m.is_disputed
FROM registry.mine m
LEFT JOIN codelist.county c ON c.code = substr(m.county_code, 1, 6)
