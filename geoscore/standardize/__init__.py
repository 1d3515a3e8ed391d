"""Standard forms: what people write in many ways, made comparable; nothing in here knows of files or households."""

from geoscore.standardize.dates import DateOrder, choose_date_order, find_date_order, parse_date
from geoscore.standardize.keys import DIRECTIONS, STREET_TYPES, name_key, split_full_name, split_street, street_key
from geoscore.standardize.values import (
    Band,
    Parsed,
    UnreadableError,
    parse_age,
    parse_each,
    parse_email,
    parse_money,
    parse_money_band,
    parse_number,
    parse_phone,
    parse_state,
    parse_text,
    parse_zip,
)

__all__ = [
    "DIRECTIONS",
    "STREET_TYPES",
    "Band",
    "DateOrder",
    "Parsed",
    "UnreadableError",
    "choose_date_order",
    "find_date_order",
    "name_key",
    "parse_age",
    "parse_date",
    "parse_each",
    "parse_email",
    "parse_money",
    "parse_money_band",
    "parse_number",
    "parse_phone",
    "parse_state",
    "parse_text",
    "parse_zip",
    "split_full_name",
    "split_street",
    "street_key",
]
