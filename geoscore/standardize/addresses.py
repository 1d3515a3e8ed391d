"""Addresses taken apart per USPS Publication 28: number, directions, name, suffix, unit, city, state and ZIP.

Regular street lines are read by a small grammar; what it cannot be sure of goes to usaddress. Each distinct text is
parsed once, however often it stands in a file.
"""

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from geoscore.standardize.keys import DIRECTIONS, ORDINALS, PO_BOX, STREET_TYPES, UNIT, fold
from geoscore.standardize.values import STATE_CODES

LONGEST: Final = 300
"""No address is longer; what is, is not read."""
_SAINTS: Final = {"ST": "SAINT", "STE": "SAINTE", "MT": "MOUNT", "FT": "FORT"}
_MORE_SUFFIXES: Final = {"TR": "TRL", "AL": "ALY", "CI": "CIR", "PZ": "PLZ", "TE": "TER", "WK": "WALK", "LA": "LN"}
"""Short forms of county files; ambiguous elsewhere, so they are read only at the end of a line."""
_HIGHWAY: Final = re.compile(
    r"(?:(?P<us>US|U S|UNITED STATES)|(?P<interstate>INTERSTATE|I(?=[ -]?\d))"
    r"|(?P<county>COUNTY|CO|CR(?=[ -]?\d))|(?:STATE|CA|CALIFORNIA|SR(?=[ -]?\d)))?"
    r"[ -]*(?:HIGHWAY|HWY|ROUTE|RTE|RT|ROAD|RD)?[ -]*(?:NO )?(?P<number>\d+[A-Z]?)"
    r"(?: [NSEW]|(?: NORTH| SOUTH| EAST| WEST)(?:BOUND)?)?"
)
_NUMBER: Final = re.compile(
    r"(?P<number>\d{1,6})(?:-(?P<to>\d{1,5}))?(?:[ -]?(?P<letter>[A-Z])(?= )| (?P<half>[13]/[24])(?= ))? (?P<rest>.+)"
)
_INTERSECTION: Final = re.compile(r"\s(?:&|AND|AT|@)\s|\s*[&@]\s*")
_STATE_ZIP: Final = re.compile(r"(?:^|[ ,])(?:(?P<state>[A-Z]{2})[ ,]+)?(?P<zip>\d{5})(?:-?\d{4})?$")
_STATE: Final = re.compile(r"[ ,]+(?P<state>[A-Z]{2})$")
_FLOOR: Final = re.compile(
    r",?\s(?:\d+(?:ST|ND|RD|TH) (?:FL|FLR|FLOOR)|GROUND FLOOR|(?:UPPER |LOWER )?(?:STREET )?LEVEL"
    r"|FRONT|REAR|UPPER|LOWER|BASEMENT|BSMT|MEZZANINE|PENTHOUSE)$"
)
_TRAILING_UNIT: Final = re.compile(
    r"(?P<line>\d.* (?:ST|STREET|AVE|AVENUE|BLVD|BOULEVARD|DR|DRIVE|LN|LANE|CT|COURT|PL|PLACE|WAY|TER|CIR))"
    r" (?:SHOP |KIOSK |BOOTH |STALL )?(?P<unit>[A-Z]{0,3}-?\d+[A-Z]?)"
)
"""A unit that no word announces, after a suffix: 845 MARKET ST FC-3."""
_FRACTIONS: Final = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4"})


@dataclass(frozen=True, slots=True)
class Address:
    """One address in comparable parts; an empty text where a part is missing."""

    number: int | None = None
    half: str = ""
    """What follows the number: ``1/2``, or a letter."""
    predir: str = ""
    name: str = ""
    """The street's name without directions and suffix; of a highway ``HWY 1``."""
    suffix: str = ""
    postdir: str = ""
    unit: str = ""
    cross: str = ""
    """The other street of an intersection, as written in standard form."""
    box: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""

    def street(self) -> str:
        """Return the street in one line.

        Examples
        --------
        >>> parse_address("12 north oak street apt 4").street()
        'N OAK ST'
        """
        return " ".join(part for part in (self.predir, self.name, self.suffix, self.postdir) if part)

    def __str__(self) -> str:
        """Return the address in one line, as Publication 28 writes it."""
        number = "" if self.number is None else f"{self.number}{' ' if '/' in self.half else ''}{self.half}"
        street = f"PO BOX {self.box}" if self.box else " ".join(part for part in (number, self.street()) if part)
        street += f" & {self.cross}" if self.cross else ""
        street += f" UNIT {self.unit}" if self.unit else ""
        place = " ".join(part for part in (self.city, self.state, self.zip) if part)
        return ", ".join(part for part in (street, place) if part)


ADDRESS: Final = pa.schema(
    [(item.name, pa.int32() if item.name == "number" else pa.string()) for item in fields(Address)]
)
"""The parts of an address as a table; missing texts are empty, missing numbers null."""


def parse_addresses(street: pa.Array, *, whole: bool = False) -> pa.Table:
    """Return the parts of addresses, each distinct text read once.

    Parameters
    ----------
    street
        Street lines, of shape (n,); null where unknown.
    whole
        The texts also hold city, state and ZIP.

    Returns
    -------
    Table of schema ``ADDRESS``, n rows

    Examples
    --------
    >>> parse_addresses(pa.array(["12 N. Oak St.", "12 N. Oak St.", None]))["name"].to_pylist()
    ['OAK', 'OAK', '']
    """
    street = street.combine_chunks() if isinstance(street, pa.ChunkedArray) else street
    encoded = pc.dictionary_encode(street.cast(pa.string()))
    read = parse_address if whole else parse_street
    parsed = [asdict(read(text)) for text in encoded.dictionary.to_pylist()]
    table = pa.Table.from_pylist([*parsed, asdict(Address())], schema=ADDRESS)
    return table.take(pc.fill_null(encoded.indices, len(parsed)))


def parse_address(text: str) -> Address:
    """Read a whole address in one line.

    Examples
    --------
    >>> print(parse_address("1301 Buena Vista Avenue, Alameda CA 94501-1234"))
    1301 BUENA VISTA AVE, ALAMEDA CA 94501
    >>> print(parse_address("Mission St & 4th St, San Francisco"))
    MISSION ST & 4TH ST, SAN FRANCISCO
    """
    if len(text) > LONGEST:
        return Address()
    line = _clean(text)
    zip_code = state = ""
    if found := _STATE_ZIP.search(line):
        zip_code, line = found["zip"], line[: found.start()].rstrip(" ,")
        state = found["state"] or ""
    if found := None if state else _STATE.search(line):
        state, line = (
            (found["state"], line[: found.start()].rstrip(" ,")) if found["state"] in STATE_CODES else ("", line)
        )
    parts = [part.strip() for part in line.split(",") if part.strip()]
    if len(parts) > 1:
        city = parts[-1]
        read = parse_street(" ".join(parts[:-1]))
    else:
        read, city = _split_city(line)
    return replace(read, city=_city(city), state=state, zip=zip_code)


def parse_street(text: str) -> Address:
    """Read a street line.

    Examples
    --------
    >>> parse_street("100 1/2 E St Charles Ave #4").name, parse_street("20 State Hwy 1").name
    ('SAINT CHARLES', 'HWY 1')
    >>> parse_street("PO Box 12").box, parse_street("12-34 41st Road").number
    ('12', 12)
    """
    line = _clean(text).replace(",", " ") if len(text) <= LONGEST else ""
    line = " ".join(line.split())
    if not line:
        return Address()
    if found := PO_BOX.match(line):
        return Address(box=found.group(1) or found.group(2))
    unit = ""
    line = _FLOOR.sub("", line)
    if found := UNIT.search(line):
        unit, line = found.group(1), line[: found.start()]
    elif found := _TRAILING_UNIT.fullmatch(line):
        unit, line = found["unit"], found["line"]
    numbered = _NUMBER.fullmatch(line)
    if not numbered:
        streets = [part for part in _INTERSECTION.split(line, maxsplit=1) if part.strip()]
        cross = _read_name(streets[1]).street() if len(streets) > 1 else ""
        return replace(_read_name(streets[0] if streets else ""), unit=unit, cross=cross)
    half = numbered["half"] or numbered["letter"] or ""
    rest = numbered["rest"]
    if half in DIRECTIONS and rest.split()[0] not in DIRECTIONS and not numbered["half"]:
        rest, half = f"{half} {rest}", ""  # 12 N OAK ST: a direction, not a letter
    elif half and rest in STREET_TYPES:
        rest, half = f"{half} {rest}", ""  # 12 E ST: the street called E
    return replace(_read_name(rest), number=int(numbered["number"]), half=half, unit=unit)


def city_key(city: pa.Array) -> pa.Array:
    """Return the comparable form of cities, empty where unknown or only a county is named.

    Examples
    --------
    >>> city_key(pa.array(["So. San Francisco", "Alameda Unincorporated", None])).to_pylist()
    ['SOUTH SAN FRANCISCO', '', '']
    """
    city = city.combine_chunks() if isinstance(city, pa.ChunkedArray) else city
    encoded = pc.dictionary_encode(city.cast(pa.string()))
    keys = pa.array([*(_city(_clean(text)) for text in encoded.dictionary.to_pylist()), ""], pa.string())
    return keys.take(pc.fill_null(encoded.indices, len(keys) - 1))


def sound_key(name: str) -> str:
    """Return how a street's name sounds, roughly: for finding names that may be misspelled forms of each other.

    Vowels fall out but for the first letter, letters that sound alike are one, doubles are one; after Soundex.

    Examples
    --------
    >>> sound_key("PLUMERIA"), sound_key("PLUMMERRA"), sound_key("CATHERINE"), sound_key("KATHRYN")
    ('PLMR', 'PLMR', 'KTRN', 'KTRN')
    """
    letters = [_ALIKE.get(letter, letter) for letter in name.replace("PH", "F") if letter.isalnum()]
    kept = [letter for i, letter in enumerate(letters) if i == 0 or letter != letters[i - 1]]
    return "".join(letter for i, letter in enumerate(kept) if i == 0 or letter not in "AEIOUYHW")[:4]


_ALIKE: Final = {"C": "K", "Q": "K", "X": "K", "Z": "S", "V": "F", "M": "M", "D": "T", "J": "G"}


def _read_name(text: str) -> Address:
    """Read directions, name and suffix."""
    words = text.replace("#", " ").split()
    if (found := _HIGHWAY.fullmatch(" ".join(words))) and found["number"] != " ".join(words):
        label = "I" if found["interstate"] else "COUNTY RD" if found["county"] else "HWY"
        return Address(name=f"{label} {found['number']}")
    predir = suffix = postdir = ""
    if len(words) > 2 and words[-1] in DIRECTIONS and _suffix(words[-2]):  # noqa: PLR2004
        postdir = DIRECTIONS[words.pop()]
    if len(words) > 1 and (found_suffix := _suffix(words[-1])):
        suffix = found_suffix
        words.pop()
    elif len(words) > 1 and words[-1] in DIRECTIONS and words[0] not in ("AVENUE", "AVENIDA", "CALLE", "VIA"):
        postdir = DIRECTIONS[words.pop()]
    if len(words) > 1 and words[0] in DIRECTIONS:
        predir = DIRECTIONS[words.pop(0)]
    if len(words) > 1 and words[0] in _SAINTS:
        words[0] = _SAINTS[words[0]]
    if len(words) > 1 and words[0] == "AVENUE" and not suffix:
        suffix = "AVE"
        words.pop(0)  # AVENUE D
    name = " ".join(ORDINALS.get(word, word) for word in words)
    return Address(predir=predir, name=_numbered(name), suffix=suffix, postdir=postdir)


def _suffix(word: str) -> str:
    return STREET_TYPES.get(word) or _MORE_SUFFIXES.get(word, "")


def _numbered(name: str) -> str:
    """Return 4TH for the street that a file calls 4."""
    if not name.isdigit():
        return re.sub(r"^0+(?=\d+(?:ST|ND|RD|TH)$)", "", name)
    number = int(name)
    ending = "TH" if number % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
    return f"{number}{ending}"


def _split_city(line: str) -> tuple[Address, str]:
    """Read a line whose city no comma sets apart; usaddress knows where cities begin."""
    import usaddress

    try:
        tagged, _ = usaddress.tag(line)
    except usaddress.RepeatedLabelError:
        return parse_street(line), ""
    city = tagged.get("PlaceName", "").strip(" ,")
    if not city or not line.endswith(city):
        return parse_street(line), ""
    return parse_street(line[: -len(city)].rstrip(" ,")), city


def _clean(text: str) -> str:
    line = re.sub(r"[.'’\x00-\x08\x0e-\x1f]", "", fold(text.translate(_FRACTIONS)))  # noqa: RUF001
    return " ".join(re.sub(r"[^A-Z0-9#/&@, -]", " ", line).split())


_SHORT: Final = {"SO": "SOUTH", "S": "SOUTH", "N": "NORTH", "NO": "NORTH", "E": "EAST", "W": "WEST", **_SAINTS}


def _city(text: str) -> str:
    words = re.sub(r"[^A-Z ]", " ", text).split()
    if "UNINCORPORATED" in words or "COUNTY" in words:
        return ""
    if len(words) > 1:
        words[0] = _SHORT.get(words[0], words[0])
    return " ".join(words)
