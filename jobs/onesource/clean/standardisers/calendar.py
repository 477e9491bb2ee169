"""Calendar arithmetic in SQL text: days since 1970-01-01 and back, and Beijing's offset."""

from __future__ import annotations

from onesource.clean.standardisers.model import Stage

# Summer time in China, in Unix seconds (tz database, Asia/Shanghai): 1986 to 1991.
SUMMERS = (
    (515527200, 527025600),
    (545162400, 558475200),
    (577216800, 589924800),
    (608666400, 621979200),
    (640116000, 653428800),
    (671565600, 684878400),
)


def beijing_offset(seconds: str) -> str:
    """Seconds that Beijing's civil time is ahead of UTC at a Unix time since 1970."""
    summer = " or ".join(f"({seconds} >= {a} and {seconds} < {b})" for a, b in SUMMERS)
    return f"case when {summer} then 32400 else 28800 end"


def days_from_civil(y: str, m: str, d: str) -> str:
    """Days since 1970-01-01 of a day in the years 1–9999 (Hinnant's algorithm)."""
    year = f"({y} - case when {m} <= 2 then 1 else 0 end)"
    in_year = f"((153 * ({m} + case when {m} > 2 then -3 else 9 end) + 2) div 5 + {d} - 1)"
    return f"{year} * 365 + {year} div 4 - {year} div 100 + {year} div 400 + {in_year} - 719468"


def civil_from_days(days: str) -> list[Stage]:
    """Stages that end with civil_y, civil_m, civil_d of a day number (Hinnant's algorithm)."""
    return [
        {"era": f"({days} + 719468) div 146097"},
        {"of_era": f"{days} + 719468 - era * 146097"},
        {
            "year_of_era": "(of_era - of_era div 1460 + of_era div 36524 - of_era div 146096) "
            "div 365",
        },
        {
            "of_year": "of_era - (365 * year_of_era + year_of_era div 4 - year_of_era div 100)",
        },
        {"shifted_month": "(5 * of_year + 2) div 153"},
        {
            "civil_d": "of_year - (153 * shifted_month + 2) div 5 + 1",
            "civil_m": "shifted_month + case when shifted_month < 10 then 3 else -9 end",
            "civil_y": "year_of_era + era * 400 + case when shifted_month < 10 then 0 else 1 end",
        },
    ]
