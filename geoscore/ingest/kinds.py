"""Kinds of columns: the words by which headers name them, and what their values look like.

Tables, not a program: what a header or a value says is weighed in ``geoscore.ingest.columns``.
"""

import re
from typing import Final

from geoscore.standardize import DIRECTIONS, STREET_TYPES
from geoscore.standardize.values import STATE_CODES

# fmt: off
HEADERS: Final[tuple[tuple[str, str], ...]] = (
    ("ssn", r"ssn( last| no| num)?$|social security|soc sec(?! (quality|data))"),
    ("other", r"quality|^legal name$|business (as|name)|\bdba\b|licen[sc]e (desc|type|code)|account ?\d? name|site number|city ?(state|st)\b|\bcsz\b|area code|phone (type|ext)|(tier|decile|percentile|score|rank|rating)$|(value|val) (code|cd|range|band)|exemption|maiden|org name|organization|care ?of|relationship|type code|flag$|\bind$|indicator|occupation|company|employer|coord|\bcount$|county( (code|name|desc|no|num|number|description|cd))?$|country"),
    ("email", r"\be ?mail(?! (name|type|flag|status|optin))"),
    ("zip4", r"zip ?4$|zip ?(code)? ?plus ?4|plus ?4|zip ?(code)? ?ext|postal code (suffix|ext)|zip suffix|\bz ?4\b|zip ?code (2|two)$|zip plus$"),
    ("zip", r"zip|postal ?(code|cd)|post ?code|postal$|\bplz\b"),
    ("longitude", r"\b(lon|lng|long|longitude|x lon)\b"),
    ("latitude", r"\b(lat|latitude|y lat)\b"),
    ("phone", r"phone|\btel\b|telephone|\bcell\b|mobile|\bfax\b|\bph\b( no| num| number)?$"),
    ("birth_year", r"birth ?(year|yr)|year (of )?birth|year .*\bborn|\byob\b|yr (of )?birth"),
    ("date_of_birth", r"\bdob\b|birth ?(date|day|dt)|date (of )?birth|\bbday\b|\bborn\b|^birth$"),
    ("income_band", r"inc(ome)? (range|band|code|cd|bracket|group|level|class|bucket|cat)|faminc|hh ?inc\b|^ehi$"),
    ("income_usd", r"\binc(ome)?\b(?! muni)|h?h?p?totval$|hincp|fincp|pincp|totinc|hhincome|hh ?income|salary|wages|earnings|\bagi\b|fincbta?xm?"),
    ("other", r"(net )?worth (range|band|code|cd)|age (range|band|group|code|cd|bracket)|length (of )?res"),
    ("net_worth_usd", r"net ?worth|wealth( (est|amount|usd|value|score))?$"),
    ("assets_usd", r"\bassets?\b|investable|liquid|^liq$|^fin$|portfolio"),
    ("largest_gift_usd", r"(largest|lrgst|lgst|max|maximum|highest|biggest|lg|major|mrc max) ?(single )?(gift|amount|amt|donation|contribution|trans\w*|opp\w*)|max amt"),
    ("gift_date", r"(gift|donation|donor|donated|contrib(ution)?|trans(action)?|received|close|pledge|giving|recd|opp|gf)\w*( \w+)* (date|dt|day)|date (received|of (gift|donation|contribution)|given)|(last|first) (gift|close|donation)( date| dt)?$"),
    ("other", r"(number|count|num|no) (of )?(gifts|donations|opps|closed)|(gift|donation|contribution|trans(action)?|fund) (count|type|code|cd|tp|fund|method|source|status)|frequency"),
    ("gift_usd", r"(gift|donation|contrib(ution)?|donated|giving|pledge|raised|opp|trans(action)?|gf)s?( \w+)* (amount|amt|total|usd|sum|value)|(total|last|first|average|avg|mean|lifetime|cumulative|ytd|fy ?\d*) (gifts?|giving|donations?|donated|contributions?|amount|amt|raised|opp amount|pledged|transaction amount)|^(gift|donation|contribution|giving|amount|amt|pledge)s?$|(gifts|donations|donated|giving|raised|contributions)$|^total amount$|\bytd\b"),
    ("home_value_usd", r"total land imp"),
    ("other", r"(?<!total )\bland\b|\bbldg\b|building|\bimps?\b|improv|price|taxable|fixture|personal property|party|parties|gender|sex\b|race|ethnic|relig|marital|status|precinct|district|township|nbhd|neighborhood|exempt|sq ?ft|acre|bedroom|bath|year built|yr built|stor(y|ies)\b|lot (size|area)"),
    ("home_value_usd", r"(home|house|hm|market|mkt|mk|fmk|fair|property|prop|assessed|assd|assmt|assessor|just|jv|appraised|appr|total|tot|full|dwelling|parcel|est)( \w+)* (val|value|amt|roll)\b|(val|value) (total|tot|assessed|market|cur)|assess(ed|ment)? ?tot(al)?|(mailed|certified|board|av|total) (tot|av)|zestimate|total land imp|^houses$|\bvalp\b|^jv$|\bfcv\b|\bfmv\b|\bemv\b( total)?|roll tot|(market|appraised|total) ?assess(ment)?$|^assessment$|^assessed$|full cash|net value|tot(al)? ?(appr|assd|assessed|value|val)"),
    ("date", r"date|\bdt\b|\bdos\b|time(stamp)?\b|created|updated|last voted|recency|changed"),
    ("full_name", r"\blast( name)?( and)? first\b|\bfirst( name)?( and)? last\b"),
    ("middle_name", r"middle|\bm ?name\b|\bmi\b|mid ?name|\bm init|second name|\bmid\b"),
    ("first_name", r"first ?name|\bf ?name\b|given ?name|fore ?name|^given$|^first$|first nm|(nm|name) first|\bprenom\b|\bnombre\b|^vorname$|^first (\d|i)$"),
    ("last_name", r"last ?name|\bl ?name\b|sur ?name|family ?name|^last$|last nm|(nm|name) last|apellido|^nachname$|^surnm$"),
    ("suffix", r"suffix|\bsfx\b|\bsuff?\b|generation|\bgen\b"),
    ("prefix", r"prefix|salutation|honorific|^title( \d)?$|name title|bio title|\bpfx\b|\bpre$"),
    ("unit", r"\bunit\b|\bapt\b|apartment|suite|\bste\b|secondary addr|addr\w*( line)? ?2\b|street( line)? ?2\b|line ?2\b|extra addr|^extension$|addr\w* ext|second line|2nd line|room no|\bunitno\b|\baddr(ess)? two\b"),
    ("street_direction", r"\b(pre|post|pos|suf|st|str|street)? ?dir(ection(al)?)?\b|pre ?dir|post ?dir|suf ?dir|quadrant"),
    ("street_type", r"(street|st|str|road|rd|addr) ?(type|typ)|designat(or|ion)|thoroughfare type|pos(t)? ?typ(e)?\b|str? sfx|street suf"),
    ("house_number", r"^house$|(house|hse|street|st|str|add|addr|address|bldg|site|civic|premise|situs)s? ?(num|number|no|nbr|nr)\b|^number$|^num$|house ?n(um|o)|\bstno\b"),
    ("street_name", r"(street|st|str|road|rd|thoroughfare) ?(name|nm|nam)|^street$|^str$|situs st(reet)?$|full str$"),
    ("city", r"\bcity\b|\btown\b|municipality|\bmuni\b|suburb|place ?name|locality|post office|\bcommunity\b|^ville$"),
    ("state", r"\bstate\b(?! (id|file|voter|no|num|house|senate))|province|\bregion\b|^st$|fips$|\bprov\b|\bst (cd|code|abbr)"),
    ("street", r"addr|adress|street|^(site|property|prop|situs|phy|physical) ?(location|loc)?$|property location|prop loc|premise|\bmail ?1\b|situs|^location$"),
    ("age", r"\bage\b|^agep$|^tage$|^prtage$"),
    ("id", r"\bids?\b|\w+id$|uuid|guid|\bkey\b|\bpin\b|parcel( (num|no|nbr|number))?$|(account|acct|tax) ?(num|no|nbr|number)|^\w+ #$|#|\bfolio\b|\bnpi\b|\bhash\b|\bleid\b|\bbbl\b|\b[as]pn\b|\bain\b|\bstrap\b|(image|file|control|member|reg|registration|registrant|case|permit|record|receipt|customer|constituent|voter|donor|household|order|ticket|serial|line|sequence|ref|reference|invoice|badge) ?(num|no|nbr|number|seq)\b|h seq|idnum|identif\w+ (num|no|nbr|number)|^control$|^(major|minor)$|\bnum$|^serialno$|\bsequence\b"),
    ("full_name", r"\bname\b|\bnme\b|owner ?\d?$|own(er)? ?(nm|nme|name)|taxpayer|full ?name|display|addressee|^contact$|^donor$|^resident$|owner|grantee"),
    ("text", r"note|comment|description|\bdesc\b|memo|remark|narrative|\bbio$"),
)
# fmt: on
"""Kind and the words of headers that mean it, the more telling first; ``suffix`` and ``prefix`` wait for the values."""

SUFFIXES: Final = frozenset(["JR", "SR", "II", "III", "IV", "V", "2ND", "3RD", "ESQ", "MD", "PHD"])
PREFIXES: Final = frozenset(
    ["MR", "MRS", "MS", "MISS", "DR", "REV", "HON", "PROF", "MX", "FR", "SIR", "CAPT", "COL", "SGT", "RABBI"]
)
DATE: Final = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( .*)?|(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])"
    r"|(0[1-9]|1[0-2])([0-2]\d|3[01])(19|20)\d{2}|\d{1,2}[- ][A-Za-z]{3,9}[- ,]+\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}.*|(19|20)\d{2}(0[1-9]|1[0-2])"
)
MONEY: Final = r"\(?[-+]?\$? ?\d[\d,]*(\.\d+)?\)?( ?[kKmM])?( ?USD)?"
BAND: Final = (
    r"(.*\$ ?\d[\d,.]* ?[kKmM]?.*(-|–|to|and|\+|over|more|less|above).*|(under|less|over|more|below|above|up to|<|>).*\d.*|.*\d ?[kK] ?(-|–|to|\+).*"  # noqa: RUF001
    r"|\$?\d[\d,]* ?(-|–|to) ?\$?\d[\d,]*|\$?\d[\d,]*\+|.*\d (or more|or less|and over))"  # noqa: RUF001
)
VALUES: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "zip": r"\d{5}([- ]?\d{4})?(\.0)?|\d{3,4}(\.0)?|\d{9}",
        "zip4": r"\d{1,4}(\.0)?",
        "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
        "phone": r"(\+?1[-. ]?)?(\(?\d{3}\)?[-. /]*)?\d{3}[-. ]*\d{4}( ?(x|ext)\.? ?\d+)?(\.0)?",
        "date": DATE,
        "date_of_birth": DATE,
        "gift_date": DATE,
        "ssn": r"\d{3}-?\d{2}-?\d{4}|\d{4,9}|[xX*]{3}-?[xX*]{2}-?\d{4}",
        "longitude": r"-?\d{1,3}\.\d{2,}|-?\d{2,3}",
        "latitude": r"-?\d{1,2}\.\d{2,}|-?\d{1,2}",
        "birth_year": r"(19|20)\d{2}(\.0)?",
        "age": r"\d{1,3}(\.0)?",
        "house_number": r"\d+[A-Za-z]?([- ]?\d+/?\d*)?(\.0)?[A-Za-z]?",
        "street": r".* (street|st|road|rd|avenue|ave|drive|dr|lane|ln|court|ct|place|pl|way|circuit|crescent|blvd|boulevard|close|terrace|parade)\.?|\d+[A-Za-z]?(-\d+)? .*[A-Za-z].*|.*\b(p\.? ?o\.? ?box|box) .*\d.*|\d+ .+",
        "street_name": r"(?=.*[A-Za-z])(\d+(st|nd|rd|th)\b)?[A-Za-z .'-]*.*",
        "unit": r"((apt|unit|ste|suite|#|no|rm|fl|bldg|lot|spc|trlr|ph|floor|room|apartment|space|trailer|lower|upper|rear|front|bsmt)\.?.*|[A-Za-z]?-?\d{1,5}-?[A-Za-z]?|[A-Za-z])",
        "city": r"[A-Za-z][A-Za-z .'-]+",
        "first_name": r"[^\d@]{1,40}",
        "middle_name": r"[^\d@]{1,40}",
        "last_name": r"[^\d@]{1,40}",
        "full_name": r"[^\d@]+[ ,]+[^\d@]+",
        "income_usd": MONEY,
        "home_value_usd": MONEY,
        "assets_usd": MONEY,
        "net_worth_usd": MONEY,
        "largest_gift_usd": MONEY,
        "gift_usd": MONEY,
        "income_band": BAND,
        "id": r"\S.{0,60}",
        "text": r".+",
        "other": r".+",
    }.items()
}
"""What the values of a kind look like, each as a whole."""

SETS: Final[dict[str, frozenset[str]]] = {
    "state": STATE_CODES,
    "street_direction": frozenset(DIRECTIONS),
    "street_type": frozenset(STREET_TYPES),
    "name_suffix": SUFFIXES,
    "name_prefix": PREFIXES,
}
"""Kinds whose values are few and known."""

SENSITIVE_HEADER: Final = re.compile(
    r"religio|faith|church|denominat|ethnic|\brace\b|_race|race_|hispanic|latino|ancestry|health|disease|medical|diagnos|"
    r"disab|union|party|politic|ideolog|partisan|enrollment|affiliation|sexual|orientation|immigra|citizen|pregnan|"
    r"jewish|muslim|christian|catholic|protestant|evangelical|republican|democrat|"
    # shares of groups around a household (pwhite, pct_black), and how its county or state votes (redcty, blue_state)
    r"(?:^|[\W_]|p|pct|perc|percent|share|prop|frac|non)(?:white|black|asian|nativeam|native_am|minority)(?![a-z])|"
    r"(?:^|[\W_])(?:red|blue)[ _]?(?:county|cty|co|state|st|district|0|1)(?![a-z])|"
    r"(?:per|pct|percent|share|prop|vote)[\W_]?(?:bush|gore|kerry|mccain|obama|romney|clinton|trump|biden|harris)"
    r"(?![a-z])|(?:pct|percent|share|vote)[\W_]?(?:gop|dem|rep)(?![a-z])",
    re.IGNORECASE,
)
"""Names of columns about what people may not be sorted by without a stated reason (METHODS 9)."""
SENSITIVE_VALUES: Final[dict[str, frozenset[str]]] = {
    "religion": frozenset(
        [
            "CATHOLIC",
            "PROTESTANT",
            "JEWISH",
            "MUSLIM",
            "HINDU",
            "BUDDHIST",
            "MORMON",
            "BAPTIST",
            "METHODIST",
            "LUTHERAN",
            "ATHEIST",
        ]
    ),
    "political opinion": frozenset(
        ["DEM", "REP", "DEMOCRAT", "REPUBLICAN", "DEMOCRATIC", "NPP", "LIBERTARIAN", "GREEN", "UNAFFILIATED"]
    ),
    "race or ethnicity": frozenset(["WHITE", "BLACK", "ASIAN", "HISPANIC", "LATINO", "CAUCASIAN"]),
}
"""Values that give such a column away whatever its name; two of them suffice."""
