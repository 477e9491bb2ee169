-- Purpose: how many coal mines a county has and what they may raise, by state of the mine.
-- Grain: one row per county of the city, counties without a mine included (0), and one row with
--   county_code 'unknown' for mines whose county could not be found, where there are any.
-- Units: million tonnes a year (Mt/a).
-- Population: none.
-- Privacy: capacities of single mines are announced by the province; where a county has one or two
--   mines the figure is theirs. Output by county needs suppression before it is published, capacity
--   does not.
WITH counties AS (
  SELECT code AS county_code, name AS county_name
  FROM codelist.county
  WHERE valid_to IS NULL
),
placed AS (
  SELECT
    coalesce(c.county_code, 'unknown') AS county_code,
    m.status,
    m.capacity_mtpa,
    m.gas_level,
    m.is_disputed
  FROM registry.mine m
  LEFT JOIN counties c ON c.county_code = substr(m.county_code, 1, 6)
),
counted AS (
  SELECT
    county_code,
    count(CASE WHEN status = 'Operating' THEN 1 END) AS operating_mines,
    sum(CASE WHEN status = 'Operating' THEN capacity_mtpa END) AS operating_capacity_mtpa,
    max(CASE WHEN status = 'Operating' THEN capacity_mtpa END) AS largest_operating_mtpa,
    count(CASE WHEN status = 'Proposed' THEN 1 END) AS proposed_mines,
    sum(CASE WHEN status = 'Proposed' THEN capacity_mtpa END) AS proposed_capacity_mtpa,
    count(CASE WHEN status IN ('Mothballed', 'Shelved') THEN 1 END) AS idle_mines,
    count(CASE WHEN status IN ('Closed', 'Cancelled') THEN 1 END) AS closed_mines,
    count(CASE WHEN status = 'Operating' AND gas_level IN ('高瓦斯', '突出矿井') THEN 1 END)
      AS gassy_mines,
    count(CASE WHEN is_disputed THEN 1 END) AS disputed_mines
  FROM placed
  GROUP BY county_code
),
rows_wanted AS (
  SELECT county_code, county_name FROM counties
  UNION ALL
  SELECT county_code, '县不明' FROM counted WHERE county_code = 'unknown'
)
SELECT
  w.county_code,
  w.county_name,
  coalesce(k.operating_mines, 0) AS operating_mines,
  coalesce(k.operating_capacity_mtpa, 0) AS operating_capacity_mtpa,
  CASE WHEN k.operating_capacity_mtpa > 0
    THEN CAST(k.largest_operating_mtpa / k.operating_capacity_mtpa AS DECIMAL(9, 6)) END
    AS largest_share,
  coalesce(k.proposed_mines, 0) AS proposed_mines,
  coalesce(k.proposed_capacity_mtpa, 0) AS proposed_capacity_mtpa,
  coalesce(k.idle_mines, 0) AS idle_mines,
  coalesce(k.closed_mines, 0) AS closed_mines,
  coalesce(k.gassy_mines, 0) AS gassy_mines,
  coalesce(k.disputed_mines, 0) AS disputed_mines
FROM rows_wanted w
LEFT JOIN counted k ON k.county_code = w.county_code
