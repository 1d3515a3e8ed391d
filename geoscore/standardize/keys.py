"""Keys for matching: streets per USPS Publication 28 and names, so that the same one is written the same.

Pure functions on Arrow arrays; each distinct value is worked out once, however often it stands in a file.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

DIRECTIONS: Final = {
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W",
    "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
    **{short: short for short in ("N", "S", "E", "W", "NE", "NW", "SE", "SW")},
}  # fmt: skip
_SUFFIX_FORMS: Final = """
ALY ALLEY ALLY; ANX ANNEX; ARC ARCADE; AVE AVENUE AV AVEN AVENU; BCH BEACH; BND BEND; BLF BLUFF; BLVD BOULEVARD BOUL
BLV; BR BRANCH; BRG BRIDGE; BRK BROOK; BYP BYPASS; CP CAMP; CYN CANYON; CPE CAPE; CSWY CAUSEWAY; CTR CENTER CENTRE
CENT; CIR CIRCLE CIRC CRCL; CLF CLIFF; CLB CLUB; COR CORNER; CT COURT CRT; CTS COURTS; CV COVE; CRK CREEK; CRES
CRESCENT CRSENT; XING CROSSING; DL DALE; DR DRIVE DRIV DRV; EST ESTATE; ESTS ESTATES; EXPY EXPRESSWAY EXPRESS; EXT
EXTENSION; FLS FALLS; FRY FERRY; FLD FIELD; FLT FLAT; FRST FOREST; FRK FORK; FT FORT; FWY FREEWAY FREEWY; GDN
GARDEN; GDNS GARDENS; GTWY GATEWAY; GLN GLEN; GRN GREEN; GRV GROVE; HBR HARBOR; HVN HAVEN; HTS HEIGHTS; HWY HIGHWAY
HIGHWY; HL HILL; HLS HILLS; HOLW HOLLOW; INLT INLET; IS ISLAND; JCT JUNCTION; KNL KNOLL; LK LAKE; LKS LAKES; LNDG
LANDING; LN LANE; LOOP LOOPS; MALL; MNR MANOR; MDW MEADOW; MDWS MEADOWS; ML MILL; MTN MOUNTAIN; OVAL; PARK; PKWY
PARKWAY PARKWY PKY; PASS; PATH; PIKE; PNE PINE; PL PLACE; PLN PLAIN; PLZ PLAZA; PT POINT; PRT PORT; PR PRAIRIE; RADL
RADIAL; RNCH RANCH; RPDS RAPIDS; RST REST; RDG RIDGE; RIV RIVER; RD ROAD; RDS ROADS; RTE ROUTE; ROW; RUN; SHR SHORE;
SPG SPRING; SQ SQUARE; STA STATION; STRM STREAM; ST STREET STR STRT; SMT SUMMIT; TER TERRACE TERR; TRCE TRACE; TRAK
TRACK; TRL TRAIL; TUNL TUNNEL; TPKE TURNPIKE; UN UNION; VLY VALLEY; VW VIEW; VLG VILLAGE; VIS VISTA; WALK; WAY WY;
WL WELL
"""
STREET_TYPES: Final = {
    form: line.split()[0] for line in _SUFFIX_FORMS.replace("\n", " ").split(";") for form in line.split()
}
ORDINALS: Final = dict(
    zip(
        ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH"),
        ("1ST", "2ND", "3RD", "4TH", "5TH", "6TH", "7TH", "8TH", "9TH", "10TH"),
        strict=True,
    )
)
UNIT: Final = re.compile(
    r"\s(?:(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|NO|FL|FLOOR|SPC|SPACE|LOT|TRLR|BLDG)\s+#?\s*|#\s*)([A-Z0-9][A-Z0-9-]*)$"
)
_UNIT_WORD: Final = re.compile(
    r"^(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|NO|FL|FLOOR|SPC|SPACE|LOT|TRLR|BLDG)\b\s*|#\s*"
)
PO_BOX: Final = re.compile(r"^(?:P\s*O\s*|POST\s+OFFICE\s+|POB\s*)(?:BOX\s*)?#?\s*(\w+)|^BOX\s+(\w+)$")


def street_key(street: pa.Array, unit: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the comparable form of street lines and units, per USPS Publication 28.

    Parameters
    ----------
    street
        Street lines such as ``12 North Oak Street, Apt 4``, of shape (n,); null where unknown.
    unit
        Units where the file keeps them apart, of shape (n,).

    Returns
    -------
    line, unit
        ``12 N OAK ST`` and ``4``; the line is null where the street is, the unit empty where there is none.

    Examples
    --------
    >>> line, unit = street_key(pa.array(["12 North Oak Street, Apt. 4"]), pa.array([None], pa.string()))
    >>> line.to_pylist(), unit.to_pylist()
    (['12 N OAK ST'], ['4'])
    """
    both = _map_distinct(street, _street, pa.list_(pa.string(), 2))
    present = both.is_valid()
    line = pc.if_else(present, pc.list_element(both, 0), None)
    inline = pc.if_else(present, pc.list_element(both, 1), "")
    own = pc.fill_null(_map_distinct(unit, _unit, pa.string()), "")
    return line, pc.if_else(pc.equal(own, ""), inline, own)


def _street(text: str) -> list[str] | None:
    line = re.sub(r"[.,'’]", lambda mark: " " if mark.group() == "," else "", fold(text))  # noqa: RUF001
    line = " ".join(re.sub(r"[^A-Z0-9#/& -]", " ", line).split())
    if not line:
        return None
    if box := PO_BOX.match(line):
        return [f"PO BOX {box.group(1) or box.group(2)}", ""]
    unit = ""
    if found := UNIT.search(line):
        line, unit = line[: found.start()], found.group(1)
    words = [ORDINALS.get(word, word) for word in line.split()]
    return [" ".join(_abbreviate(words)), unit]


def _abbreviate(words: list[str]) -> list[str]:
    """Shorten the suffix and the directions where they stand for such, leaving at least one word as the name."""
    start = 1 if words and words[0][0].isdigit() else 0
    name = words[start:]
    after: list[str] = []
    if len(name) > 2 and name[-1] in DIRECTIONS and name[-2] in STREET_TYPES:  # noqa: PLR2004
        after = [DIRECTIONS[name[-1]]]
        name = name[:-1]
    if len(name) > 1 and name[-1] in STREET_TYPES:
        after = [STREET_TYPES[name[-1]], *after]
        name = name[:-1]
    if len(name) > 1 and name[0] in DIRECTIONS:
        name = [DIRECTIONS[name[0]], *name[1:]]
    return [*words[:start], *name, *after]


def _unit(text: str) -> str:
    return re.sub(r"[^A-Z0-9-]", "", _UNIT_WORD.sub("", fold(text)))


_TITLES: Final = frozenset({"MR", "MRS", "MS", "MISS", "DR", "PROF", "REV", "HON"})
_GENERATIONS: Final = frozenset({"JR", "SR", "II", "III", "IV", "ESQ", "MD", "PHD"})
_PARTICLES: Final = frozenset(
    {"DE", "LA", "LAS", "LOS", "DEL", "DA", "DI", "DOS", "DU", "LE", "MC", "MAC", "SAN", "ST", "VAN", "VON", "DER",
     "DEN", "TEN", "TER", "EL", "AL", "BIN", "IBN", "BEN", "O"}
)  # fmt: skip


def name_key(name: pa.Array) -> pa.Array:
    """Return the comparable form of names: upper case, no accents, no JR or III.

    Examples
    --------
    >>> name_key(pa.array(["García-López, Jr.", None])).to_pylist()
    ['GARCIA LOPEZ', None]
    """
    return _map_distinct(name, _name, pa.string())


def _name(text: str) -> str:
    words = _plain(text)
    return " ".join([word for word in words if word not in _GENERATIONS] or words)


def split_street(line: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return house numbers and street names of lines as ``street_key`` gives them.

    Examples
    --------
    >>> number, street = split_street(pa.array(["12 N OAK ST", "PO BOX 7", "1/2 OAK ST"]))
    >>> number.to_pylist(), street.to_pylist()
    (['12', None, '1/2'], ['N OAK ST', 'PO BOX 7', 'OAK ST'])
    """
    found = pc.extract_regex(line, r"^(?P<number>[0-9][0-9A-Z/-]*) (?P<street>.+)$")
    number, street = (pc.struct_field(found, name) for name in ("number", "street"))
    return pc.if_else(pc.equal(number, ""), None, number), pc.coalesce(street, line)


def split_full_name(full_name: pa.Array) -> dict[str, pa.Array]:
    """Return ``first``, ``middle``, ``last`` and ``suffix`` of full names, null where a name has none.

    Read as ``First M Last Jr``, ``Last, First M`` or ``John & Mary Last``, whose first name is John.

    Examples
    --------
    >>> parts = split_full_name(pa.array(["Dr. Ann B. Lee", "LEE, BO & ANN", "Bo Lee III", "Ana de la Cruz"]))
    >>> parts["first"].to_pylist(), parts["middle"].to_pylist()
    (['ANN', 'BO', 'BO', 'ANA'], ['B', None, None, None])
    >>> parts["last"].to_pylist(), parts["suffix"].to_pylist()
    (['LEE', 'LEE', 'LEE', 'DE LA CRUZ'], [None, None, 'III', None])
    """
    names = ("first", "middle", "last", "suffix")
    parts = _map_distinct(full_name, _split, pa.list_(pa.string(), len(names)))
    present = parts.is_valid()
    return {name: pc.if_else(present, pc.list_element(parts, i), None) for i, name in enumerate(names)}


_AND: Final = re.compile(r"(?:\s|^)(?:&|AND)\s")


def _split(text: str) -> list[str | None]:
    folded = fold(text)
    suffix = next((word for word in _plain(folded)[1:] if word in _GENERATIONS), None)
    if "," in folded and _words(folded.split(",", 1)[1]):
        before, rest = folded.split(",", 1)
        first, middle, _ = _given(_AND.split(rest)[0])
        return [first, middle, _name(before) or None, suffix]
    ahead, *others = [part for part in _AND.split(folded.replace(",", " ")) if _words(part)] or [""]
    own_last = not others or len((_words(ahead) if len(_words(ahead)) > 1 else [""])[-1]) > 1
    first, middle, last = _given(ahead, with_last=own_last)
    if last is None and others:
        last = _given(others[-1], with_last=True)[2]
    return [first, middle, last, suffix]


def _given(text: str, *, with_last: bool = False) -> tuple[str | None, str | None, str | None]:
    """Return first, middle and last name of words in that order; the last name takes its particles along."""
    words = _words(text)
    last = None
    if with_last and words:
        start = len(words) - 1
        while start > 1 and words[start - 1] in _PARTICLES:
            start -= 1
        words, last = words[:start], " ".join(words[start:])
    return (words[0] if words else None), (" ".join(words[1:]) or None), last


def _words(text: str) -> list[str]:
    kept = [word for word in _plain(text) if word not in _GENERATIONS]
    return [word for word in kept if word not in _TITLES and word != "AND"]


def _plain(text: str) -> list[str]:
    return re.sub(r"[^A-Z0-9]", " ", re.sub(r"['’.]", "", fold(text))).split()  # noqa: RUF001


def _map_distinct(values: pa.Array, change: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = pc.dictionary_encode(values.cast(pa.string()))
    return pa.array([change(text) for text in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def fold(text: str) -> str:
    """Return a text in upper case without accents."""
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).upper()
