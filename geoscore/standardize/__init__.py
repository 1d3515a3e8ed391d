"""Standard forms: what people write in many ways, made comparable; nothing in here knows of files or households."""

from geoscore.standardize.keys import name_key, split_full_name, street_key
from geoscore.standardize.values import (
    Band,
    Parsed,
    parse_age,
    parse_email,
    parse_money,
    parse_money_band,
    parse_number,
    parse_phone,
    parse_text,
    parse_zip,
)

__all__ = [
    "Band",
    "Parsed",
    "name_key",
    "parse_age",
    "parse_email",
    "parse_money",
    "parse_money_band",
    "parse_number",
    "parse_phone",
    "parse_text",
    "parse_zip",
    "split_full_name",
    "street_key",
]
