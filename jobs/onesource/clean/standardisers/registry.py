"""All standardisers by name."""

from __future__ import annotations

from onesource.clean.standardisers.address import ADDRESS
from onesource.clean.standardisers.checked import USCC, VIN
from onesource.clean.standardisers.coded import CODE, ICD_9_CM_3, ICD_10, INDUSTRY
from onesource.clean.standardisers.contact import PHONE, PLATE
from onesource.clean.standardisers.coordinates import COORDINATES
from onesource.clean.standardisers.dates import DATE, DATETIME, MONTH
from onesource.clean.standardisers.measures import AREA, ENERGY, MASS, MONEY
from onesource.clean.standardisers.model import Standardiser
from onesource.clean.standardisers.names_of import ORG_NAME, PERSON_NAME
from onesource.clean.standardisers.numbers import DECIMAL, INTEGER
from onesource.clean.standardisers.places import DIVISION
from onesource.clean.standardisers.resident import RESIDENT_ID
from onesource.clean.standardisers.text import BOOLEAN, TEXT

STANDARDISERS: dict[str, Standardiser] = {
    s.name: s
    for s in (
        USCC,
        VIN,
        CODE,
        INDUSTRY,
        ICD_10,
        ICD_9_CM_3,
        DIVISION,
        RESIDENT_ID,
        TEXT,
        BOOLEAN,
        DECIMAL,
        INTEGER,
        MONEY,
        MASS,
        ENERGY,
        AREA,
        DATE,
        DATETIME,
        MONTH,
        PHONE,
        PLATE,
        PERSON_NAME,
        ORG_NAME,
        ADDRESS,
        COORDINATES,
    )
}
