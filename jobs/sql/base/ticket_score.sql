-- Purpose: how departments settle the tickets of the registries, month by month.
-- Grain: one row per month and department; a ticket counts in the month in which the department's
--   turn (a round) began, so that a ticket that went to two departments counts for both.
-- Units: tickets; days are calendar days from the beginning of the turn to the answer.
-- Population: none; no value of a ticket is read.
-- Overdue is reckoned to the last day on which anything happened to any ticket.
WITH turns AS (
  SELECT explode(from_json(
    rounds,
    'array<struct<owner_uscc:string,owner:string,assigned_on:date,due_on:date,is_repeat:boolean,answered_on:date,answer:string,closed_on:date>>'
  )) AS r
  FROM registry.ticket
),
dated AS (
  SELECT
    date_format(r.assigned_on, 'yyyy-MM') AS month,
    coalesce(nullif(r.owner_uscc, ''), r.owner) AS department,
    r.owner,
    r.assigned_on,
    r.due_on,
    r.is_repeat,
    r.answered_on,
    r.answer,
    coalesce(r.answered_on, r.closed_on) AS done_on
  FROM turns
),
latest AS (
  SELECT max(greatest(assigned_on, coalesce(done_on, assigned_on))) AS day
  FROM dated
)
SELECT
  d.month,
  d.department,
  max_by(d.owner, d.assigned_on) AS department_name,
  count(*) AS raised_count,
  count(d.answer) AS answered_count,
  count(CASE WHEN d.answer = 'CORRECTED' THEN 1 END) AS upheld_count,
  count(CASE WHEN d.answer = 'CONFIRMED_SOURCE_RIGHT' THEN 1 END) AS confirmed_count,
  count(CASE WHEN d.answer = 'NOT_OURS' THEN 1 END) AS not_ours_count,
  count(CASE WHEN d.answer IS NULL AND d.done_on IS NOT NULL THEN 1 END) AS lapsed_count,
  count(CASE WHEN coalesce(d.done_on, l.day) > d.due_on THEN 1 END) AS overdue_count,
  CAST(avg(datediff(d.answered_on, d.assigned_on)) AS DECIMAL(9, 2)) AS mean_days,
  CAST(count(CASE WHEN d.is_repeat THEN 1 END) / count(*) AS DECIMAL(9, 4)) AS repeat_rate
FROM dated d
CROSS JOIN latest l
GROUP BY d.month, d.department
