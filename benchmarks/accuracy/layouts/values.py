"""Made-up people, and how the cells that describe them look in files of many makers."""

import datetime as dt
import random
import tomllib
import uuid
from collections.abc import Callable
from pathlib import Path

DATA = tomllib.loads((Path(__file__).parent / "people.toml").read_text(encoding="utf-8"))
THOUSAND, MILLION = 1_000, 1_000_000
TODAY = dt.date(2025, 6, 30)
KINDS = [
    "full_name",
    "first_name",
    "middle_name",
    "last_name",
    "name_prefix",
    "name_suffix",
    "street",
    "house_number",
    "street_direction",
    "street_name",
    "street_type",
    "unit",
    "city",
    "state",
    "zip",
    "zip4",
    "longitude",
    "latitude",
    "date_of_birth",
    "birth_year",
    "age",
    "income_usd",
    "income_band",
    "home_value_usd",
    "assets_usd",
    "net_worth_usd",
    "largest_gift_usd",
    "gift_usd",
    "gift_date",
    "phone",
    "email",
    "ssn",
    "id",
    "date",
    "text",
    "other",
]
# The largest share of cells left empty, by kind; the share of a column is drawn between nothing and this.
MISSING = {
    "middle_name": 0.25, "zip4": 0.3, "phone": 0.4, "email": 0.4, "date_of_birth": 0.25, "birth_year": 0.1,
    "age": 0.15, "income_usd": 0.25, "income_band": 0.25, "home_value_usd": 0.2, "assets_usd": 0.3,
    "net_worth_usd": 0.3, "largest_gift_usd": 0.2, "gift_usd": 0.15, "gift_date": 0.15, "ssn": 0.2, "text": 0.4,
    "date": 0.1, "longitude": 0.1, "latitude": 0.1, "name_prefix": 0.3, "city": 0.03, "zip": 0.05,
}  # fmt: skip
MIXED_DATES = ("%m/%d/%Y", "%Y-%m-%d", "%Y%m%d", "%b %-d, %Y")
DATES = (*MIXED_DATES, "%-m/%-d/%Y", "mixed")
BOUNDS = (15, 25, 35, 50, 75, 100, 125, 150, 175, 200, 250)


def chance(rng: random.Random, share: float) -> bool:
    """Return whether something happens that happens to this share."""
    return rng.random() < share


def make_people(rng: random.Random, states: list[str], count: int) -> list[dict]:
    """Return `count` people of these states, each a dict of plain facts."""
    return [make_person(rng, rng.choice(states)) for _ in range(count)]


def make_place(rng: random.Random, state: str) -> dict:
    """Return an address: an invented street in a real ZIP code."""
    city, zip_code, lon, lat, area, county = rng.choice(DATA["states"][state]["places"])
    kind = rng.randrange(len(DATA["types"].split()))
    return {
        "number": str(rng.choice((rng.randint(1, 99), rng.randint(100, 9999), rng.randint(100, 24999)))),
        "pre": rng.choice("NSEW") if chance(rng, 0.3) else "",
        "post": rng.choice(("NE", "NW", "SE", "SW", "N")) if chance(rng, 0.15) else "",
        "street": rng.choice(DATA["street"].split()).replace("_", " "),
        "type": DATA["types"].split()[kind],
        "type_long": DATA["types_long"].split()[kind],
        "unit_type": rng.choice(("APT", "APT", "UNIT", "STE", "#")) if chance(rng, 0.3) else "",
        "unit": rng.choice((str(rng.randint(1, 40)), rng.choice("ABCD"), f"{rng.randint(1, 12)}{rng.choice('ABC')}")),
        "city": city, "state": state[:2], "state_name": DATA["states"][state]["name"],
        "fips": DATA["states"][state]["fips"], "zip": zip_code, "zip4": f"{rng.randint(1, 9999):04d}",
        "lon": lon + rng.uniform(-0.03, 0.03), "lat": lat + rng.uniform(-0.03, 0.03), "area": area, "county": county,
    }  # fmt: skip


def make_person(rng: random.Random, state: str) -> dict:
    """Return one person with home, mailing address, money and gifts."""
    female = chance(rng, 0.5)
    names = DATA["female" if female else "male"].split()
    home = make_place(rng, state)
    gifts = sorted(round(rng.lognormvariate(4.5, 1.2) / 5 + 1) * 5 for _ in range(rng.randint(1, 8)))
    income = round(rng.lognormvariate(11.2, 0.7))
    return {
        "first": rng.choice(names), "middle": rng.choice(names), "last": rng.choice(DATA["last"].split()),
        "spouse": rng.choice(DATA["male" if female else "female"].split()),
        "prefix": rng.choice(("Ms.", "Mrs.", "Dr.") if female else ("Mr.", "Mr.", "Dr.", "Rev.")),
        "suffix": rng.choice(("Jr", "Sr", "II", "III")) if chance(rng, 0.15) and not female else "",
        "born": TODAY - dt.timedelta(days=rng.randint(19 * 366, 92 * 365)),
        "home": home, "mail": home if chance(rng, 0.7) else make_place(rng, rng.choice(list(DATA["states"]))),
        "income": income, "home_value": round(rng.lognormvariate(13, 0.6), -2),
        "assets": round(income * rng.lognormvariate(-0.5, 1.2)),
        "net_worth": round(income * rng.lognormvariate(1, 1.1) - 20000), "gifts": gifts,
    }  # fmt: skip


def in_case(text: str, layout: dict) -> str:
    """Return text in the layout's letter case; capitals where it names none."""
    case = layout.get("case", "upper")
    return text if case == "title" else text.lower() if case == "lower" else text.upper()


def abbreviation(text: str, layout: dict) -> str:
    """Return a street type or unit word: `ST` in capitals, `St` otherwise."""
    return in_case(text.title() if layout.get("case") == "title" else text, layout)


def format_date(rng: random.Random, day: dt.date, look: str, layout: dict) -> str:
    """Return the day in the column's form, the layout's, or one kept for the layout."""
    form = look or layout.get("date") or layout.setdefault("drawn_date", rng.choice(DATES))
    moment = dt.datetime.combine(day, dt.time(rng.randint(7, 20), rng.randint(0, 59), rng.randint(0, 59)))
    return moment.strftime(rng.choice(MIXED_DATES) if form == "mixed" else form)


def format_money(rng: random.Random, value: float, layout: dict) -> str:
    """Return dollars as `1234`, `$1,234.00`, `1234.00`, `$1,234`, `1.2M` or a mixture of these."""
    form = layout.get("money", "plain")
    if form == "mixed":
        form = rng.choice(("plain", "dollars", "cents", "dollars0", "short"))
    if form == "short" and abs(value) >= THOUSAND:
        return f"{value / MILLION:.1f}M" if abs(value) >= MILLION else f"{value / THOUSAND:.0f}K"
    forms = {"dollars": "${:,.2f}", "cents": "{:.2f}", "dollars0": "${:,.0f}"}
    return forms.get(form, "{:.0f}").format(value)


def format_phone(rng: random.Random, person: dict, look: str, _layout: dict) -> str:
    """Return a number of the exchange 555, kept for fiction, in one of five forms."""
    area, line = person["home"]["area"], f"01{rng.randint(0, 99):02d}"
    form = rng.choice(("paren", "dash", "digits", "dots", "plus")) if look == "mixed" else look
    forms = {"paren": f"({area}) 555-{line}", "dash": f"{area}-555-{line}", "dots": f"{area}.555.{line}",
             "plus": f"+1 {area} 555 {line}", "local": f"555{line}"}  # fmt: skip
    return forms.get(form, f"{area}555{line}")


def format_zip(rng: random.Random, person: dict, look: str, _layout: dict) -> str:
    """Return five digits, ZIP+4 in one, a mixture, or digits that lost their leading zero."""
    place = person["mail" if look == "mail" else "home"]
    if look == "lost":
        return place["zip"].lstrip("0")
    if look == "nine_flat":
        return place["zip"] + place["zip4"]
    nine = look == "nine" or (look == "mix" and chance(rng, 0.4))
    return f"{place['zip']}-{place['zip4']}" if nine else place["zip"]


def format_state(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the state's code, name or FIPS code, or a mixture of codes and names."""
    place = person["mail" if look.startswith("mail") else "home"]
    if look == "any":
        return rng.choice(list(DATA["states"]))[:2]
    if look in ("name", "mail_name") or (look == "mixed" and chance(rng, 0.4)):
        return in_case(place["state_name"], layout)
    return place["fips"] if look == "fips" else place["state"]


def format_city(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the city, with what some rolls put around it."""
    place = person["mail" if look == "mail" else "home"]
    before = rng.choice(("City of ", "Town of ", "Village of ")) if look == "township" else ""
    return in_case(before + place["city"], layout) + (f" {place['state']}" if look == "with_state" else "")


def street_words(place: dict, layout: dict) -> str:
    """Return direction, name, type and direction of the street."""
    middle = (in_case(place["street"], layout), abbreviation(place["type"], layout))
    return " ".join(filter(None, (place["pre"], *middle, place["post"])))


def format_unit(_rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the unit with its word, or either alone."""
    place = person["home"]
    if not place["unit_type"]:
        return ""
    word = abbreviation(place["unit_type"], layout)
    return {"type": word, "number": place["unit"]}.get(look, f"{word} {place['unit']}")


def format_street(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the address line: alone, with the unit, with city and ZIP, as a post-office box, or of fixed width."""
    place = person["mail" if look == "mail" else "home"]
    if look == "mail" and place is not person["home"] and chance(rng, 0.4):
        return in_case(f"PO Box {rng.randint(10, 9999)}", layout)
    if look == "roll":
        return f"0000 {int(place['number']) % 5000:04d} {place['street'].upper():20}{place['type']:2.2}0000"
    line = f"{place['number']} {street_words(place, layout)}"
    if look in ("whole", "full_line") and (unit := format_unit(rng, person, "", layout)):
        line += f" {unit}"
    return f"{line} {in_case(place['city'], layout)} {place['state']} {place['zip']}" if look == "full_line" else line


def format_full_name(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the whole name in one of the orders people write it; owners may be couples or trusts."""
    first, middle, last = person["first"], person["middle"][0], person["last"]
    if look == "second":
        return in_case(f"{last} {person['spouse']}", layout) if chance(rng, 0.4) else ""
    if look == "owner":
        text = rng.choice((f"{last} {first} {middle}", f"{first} {last}", f"{last} {first} & {person['spouse']}",
                           f"{first} {middle} {last} TRUST"))  # fmt: skip
    elif look == "last_first":
        text = rng.choice((f"{last}, {first} {middle}", f"{last}, {first}"))
    else:
        text = rng.choice((f"{first} {middle}. {last}", f"{first} {last}", f"{first} {last}"))
    return in_case(text, layout)


def format_band(_rng: random.Random, person: dict, look: str, _layout: dict) -> str:
    """Return the band of the person's income: dollars, thousands, a letter, or a survey's number."""
    rank = sum(person["income"] >= bound * 1000 for bound in BOUNDS)
    if look == "letter":
        return "ABCDEFGHIJKL"[rank]
    if look.startswith("code"):
        codes = int(look.removeprefix("code"))
        return f"{min(codes, 1 + person['income'] * codes // 200_000):02d}"
    low, high = (0, *BOUNDS)[rank], (*BOUNDS, None)[rank]
    if look == "k":
        return f"${low}K-${high}K" if high else f"{low}K+"
    if look == "plain_range":
        return f"{low * 1000}-{high * 1000 - 1}" if high else f"{low * 1000}+"
    return f"${low * 1000:,}-${high * 1000 - 1:,}" if high else f"${low * 1000:,}+"


def fill_pattern(rng: random.Random, pattern: str) -> str:
    """Return the pattern with every # a digit."""
    return "".join(str(rng.randint(0, 9)) if sign == "#" else sign for sign in pattern)


def format_other(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return a code, count or figure as the look says: `int:1:9`, `choice:A,B`, `digits:5`, `pattern:A##` and so on."""
    form, _, rest = look.partition(":")
    home = person["home"]
    worth = ("$0-$99,999", "$100,000-$249,999", "$250,000-$499,999", "$500,000-$999,999", "$1MM+")
    plain: dict[str, Callable[[], str]] = {
        "int": lambda: str(rng.randint(*map(int, rest.split(":")))),
        "decimal": lambda: f"{rng.uniform(*map(float, rest.split(':'))):.4f}",
        "choice": lambda: rng.choice(rest.split(",")),
        "const": lambda: rest,
        "digits": lambda: fill_pattern(rng, "#" * int(rest)),
        "pattern": lambda: fill_pattern(rng, rest),
        "hex": lambda: f"{rng.getrandbits(4 * int(rest)):0{rest}x}",
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "ip": lambda: f"192.0.2.{rng.randint(1, 254)}",
        "county": lambda: in_case(home["county"].title(), layout),
        "city_state": lambda: f"{in_case(home['city'], layout)} {home['state']}",
        "area_code": lambda: home["area"],
        "company": lambda: in_case(rng.choice(DATA["company"]), layout),
        "job": lambda: in_case(rng.choice(DATA["job"]), layout),
        "point": lambda: f"({home['lat']:.9f}, {home['lon']:.9f})",
        "worth_band": lambda: worth[sum(person["net_worth"] >= low for low in (1e5, 2.5e5, 5e5, 1e6))],
    }
    return plain[form]()


def format_gift(rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return one gift, or the sum or mean of all."""
    gifts = person["gifts"]
    values = {"total": sum(gifts), "average": sum(gifts) / len(gifts)}
    return format_money(rng, values.get(look, rng.choice(gifts)), layout)


def format_text(rng: random.Random, _person: dict, look: str, _layout: dict) -> str:
    """Return a remark."""
    work = ("REPLACE REAR PORCH PER PLANS", "Interior remodel of kitchen, no structural work",
            "INSTALL NEW 200 AMP SERVICE", "Tear off and re-roof garage", "ERECT WOOD FENCE ALONG ALLEY")  # fmt: skip
    return rng.choice(work if look == "work" else DATA["notes"])


def format_ssn(rng: random.Random, _person: dict, look: str, _layout: dict) -> str:
    """Return a number of the area 987, which is never issued."""
    number = f"987-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
    return number.replace("-", "") if look == "flat" else number


def format_email(rng: random.Random, person: dict, _look: str, _layout: dict) -> str:
    """Return an address at a domain kept for examples."""
    first, last = person["first"].lower(), "".join(filter(str.isalpha, person["last"])).lower()
    local = rng.choice((f"{first}.{last}", f"{first[0]}{last}", f"{last}{rng.randint(1, 99)}", f"{first}_{last}"))
    return f"{local}@{rng.choice(DATA['domains'])}"


def past_day(rng: random.Random, years: int) -> dt.date:
    """Return a day of the last years."""
    return TODAY - dt.timedelta(days=rng.randint(1, years * 365))


def format_direction(rng: random.Random, person: dict, look: str, _layout: dict) -> str:
    """Return the direction before or after the street's name."""
    place = person["home"]
    if look == "always":
        return place["pre"] or rng.choice("NSEW")
    long = {"N": "North", "S": "South", "E": "East", "W": "West", "": ""}
    return place["post"] if look == "post" else long[place["pre"]] if look == "long" else place["pre"]


def format_place_part(_rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the street's name, with its type where the layout keeps them together."""
    place = person["home"]
    name = in_case(place["street"], layout)
    return f"{name} {abbreviation(place['type'], layout)}" if look == "with_type" else name


def format_type(_rng: random.Random, person: dict, look: str, layout: dict) -> str:
    """Return the street's type, short or long."""
    place = person["home"]
    return in_case(place["type_long"], layout) if look == "long" else abbreviation(place["type"], layout)


FORMATS: dict[str, Callable[[random.Random, dict, str, dict], str]] = {
    "full_name": format_full_name, "street": format_street, "street_direction": format_direction,
    "street_name": format_place_part, "street_type": format_type, "unit": format_unit, "city": format_city,
    "state": format_state, "zip": format_zip, "phone": format_phone, "email": format_email, "ssn": format_ssn,
    "income_band": format_band, "gift_usd": format_gift, "text": format_text, "other": format_other,
    "id": format_other,
    "first_name": lambda _r, p, _k, y: in_case(p["first"], y),
    "middle_name": lambda r, p, k, y: in_case(p["middle"][0] if k or chance(r, 0.3) else p["middle"], y),
    "last_name": lambda _r, p, _k, y: in_case(p["last"], y),
    "name_prefix": lambda _r, p, _k, y: in_case(p["prefix"], y),
    "name_suffix": lambda _r, p, _k, y: in_case(p["suffix"], y),
    "house_number": lambda _r, p, _k, _y: p["home"]["number"],
    "zip4": lambda _r, p, _k, _y: p["home"]["zip4"],
    "longitude": lambda _r, p, k, _y: f"{p['home']['lon']:.{k or 6}f}",
    "latitude": lambda _r, p, k, _y: f"{p['home']['lat']:.{k or 6}f}",
    "date_of_birth": lambda r, p, k, y: format_date(r, p["born"], k, y),
    "birth_year": lambda _r, p, _k, _y: str(p["born"].year),
    "age": lambda _r, p, _k, _y: str((TODAY - p["born"]).days * 4 // 1461),
    "income_usd": lambda r, p, _k, y: format_money(r, p["income"], y),
    "home_value_usd": lambda r, p, k, y: format_money(r, p["home_value"] * float(k or 1), y),
    "assets_usd": lambda r, p, _k, y: format_money(r, p["assets"], y),
    "net_worth_usd": lambda r, p, _k, y: format_money(r, p["net_worth"], y),
    "largest_gift_usd": lambda r, p, _k, y: format_money(r, p["gifts"][-1], y),
    "gift_date": lambda r, _p, k, y: format_date(r, past_day(r, 8), k, y),
    "date": lambda r, _p, k, y: format_date(r, past_day(r, 25), k, y),
}  # fmt: skip


def render(rng: random.Random, person: dict, kind: str, look: str, layout: dict) -> str:
    """Return the cell of this person in a column of this kind and look."""
    return FORMATS[kind](rng, person, look, layout)
