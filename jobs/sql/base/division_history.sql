-- Purpose: every division code with the days on which it held, how it came and what became of it,
--   for re-basing series and for reading old files.
-- Grain: one row per scheme, code and first day of validity, as believed now.
-- Units: dates; weights are shares of the old unit, by villages found again.
-- Population: none.
-- Privacy: public facts.
WITH held AS (
  SELECT scheme, code, name, level, parent_code, valid_from, valid_to, valid_from_earliest,
    valid_to_earliest
  FROM registry.division
  WHERE known_to IS NULL
),
came AS (
  SELECT scheme, new_code AS code, snapshot_after AS day,
    concat_ws(';', sort_array(collect_set(event))) AS began_by,
    concat_ws(';', sort_array(collect_set(concat(old_code, ' ', old_name)))) AS predecessors
  FROM registry.division_successor
  WHERE new_code IS NOT NULL
  GROUP BY scheme, new_code, snapshot_after
),
went AS (
  SELECT scheme, old_code AS code, snapshot_after AS day,
    concat_ws(';', sort_array(collect_set(event))) AS ended_by,
    concat_ws(';', sort_array(collect_set(
      concat(new_code, ' ', new_name, ' ', CAST(CAST(weight AS DOUBLE) AS STRING))))) AS successors,
    concat_ws(';', sort_array(collect_set(method))) AS method,
    min(confidence) AS confidence
  FROM registry.division_successor
  WHERE old_code IS NOT NULL
  GROUP BY scheme, old_code, snapshot_after
)
SELECT
  h.scheme,
  h.code,
  h.name,
  h.level,
  h.parent_code,
  CASE WHEN h.level IN ('county', 'town', 'village') THEN substr(h.code, 1, 6) END AS county_code,
  c.name AS county_name,
  h.valid_from,
  h.valid_to,
  h.valid_from_earliest,
  h.valid_to_earliest,
  h.valid_to IS NULL AS is_current,
  coalesce(came.began_by, CASE WHEN h.valid_from_earliest IS NULL THEN 'first_known' END) AS began_by,
  came.predecessors,
  went.ended_by,
  went.successors,
  went.method,
  went.confidence
FROM held h
LEFT JOIN came ON came.scheme = h.scheme AND came.code = h.code AND came.day = h.valid_from
LEFT JOIN went ON went.scheme = h.scheme AND went.code = h.code AND went.day = h.valid_to
LEFT JOIN codelist.county c ON c.code = substr(h.code, 1, 6)
