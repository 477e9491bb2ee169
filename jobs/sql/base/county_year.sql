-- Purpose: the county year-book, all series beside each other, with a mark on every row of which a
--   value is doubted. Values are as printed; registry.county_year_question says what is doubted and why.
-- Grain: one row per county and year.
-- Units: 10k persons; yuan.
-- Population: population_10k is the year-book's (户籍 or 常住, not said); implied_population_10k is
--   product over product per head (常住 from 2020 on). Take neither as a denominator where suspect.
-- Privacy: figures of whole counties; no persons, no single respondents.
WITH book AS (
  SELECT
    substr(county_code, 1, 6) AS county_code,
    year,
    max(population_10k) AS population_10k,
    max(gdp_yuan) AS gdp_yuan,
    max(gdp_primary_yuan) AS gdp_primary_yuan,
    max(gdp_secondary_yuan) AS gdp_secondary_yuan,
    max(gdp_tertiary_yuan) AS gdp_tertiary_yuan,
    max(gdp_per_capita_yuan) AS gdp_per_capita_yuan,
    max(urban_income_yuan) AS urban_income_yuan,
    max(rural_net_income_yuan) AS rural_net_income_yuan,
    max(rural_income_yuan) AS rural_income_yuan,
    max(loans_yuan) AS loans_yuan,
    max(deposits_yuan) AS deposits_yuan,
    max(savings_yuan) AS savings_yuan
  FROM silver.base_county_yearbook
  GROUP BY substr(county_code, 1, 6), year
),
doubts AS (
  SELECT
    county_code,
    year,
    concat_ws(';', sort_array(collect_set(attribute))) AS suspect_columns,
    concat_ws(';', sort_array(collect_set(reason))) AS suspect_reasons,
    concat_ws('；', sort_array(collect_set(concat(attribute_name, '：', reason_zh)))) AS suspect_zh
  FROM registry.county_year_question
  GROUP BY county_code, year
)
SELECT
  b.county_code,
  coalesce(n.name, b.county_code) AS county_name,
  b.year,
  b.population_10k,
  CASE WHEN b.gdp_yuan > 0 AND b.gdp_per_capita_yuan > 0
    THEN CAST(b.gdp_yuan / b.gdp_per_capita_yuan / 10000 AS DECIMAL(14, 4)) END
    AS implied_population_10k,
  b.gdp_yuan,
  b.gdp_primary_yuan,
  b.gdp_secondary_yuan,
  b.gdp_tertiary_yuan,
  b.gdp_per_capita_yuan,
  b.urban_income_yuan,
  b.rural_net_income_yuan,
  b.rural_income_yuan,
  b.loans_yuan,
  b.deposits_yuan,
  b.savings_yuan,
  d.county_code IS NOT NULL AS suspect,
  d.suspect_columns,
  d.suspect_reasons,
  d.suspect_zh
FROM book b
LEFT JOIN doubts d ON d.county_code = b.county_code AND d.year = b.year
LEFT JOIN codelist.county n ON n.code = b.county_code
