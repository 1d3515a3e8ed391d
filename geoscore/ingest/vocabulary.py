"""The words that columns are called by, and headers taken apart into them."""

import re
from typing import Final

_TELLING: Final = """
account acct add addr address adress affiliation age amount amt ann annual apartment appr appraised apt area assd
assess assessed assessment asset assets average avg band base birth bldg board born building cell certified city class
cnt code contribution contributor coord count country county created credit cur current date day deg del desc
description designator dir direction district dob donated donation donor email employer est estimated ext extra fam
family fax female file fips first flag fmk frac full gender gift given giving gross group hh high highest hinc hm home
house household housing hse id identifier imp improvement inc income individual init initial key land largest last lat
latitude legal level lifetime line liquid lng loan location lon long longitude lot low mail mailed mailing marital
market max member middle min mobile mon mrc municipality name nbr net nm no note notes num number occupation office
order other own owner parcel party percent permit person phone pin place plus po post postal postcode postdir pre
precinct predir preferred prefix price primary property prov province pstl range rec received reg region registration
res residence residential sale salutation score sec secondary seq sex site soc social spouse st state status street
suburb suf suffix suite surname tax tel telephone time title tot total town township tract trans transaction type unit
updated use user val value voter wealth work worth year yr zip zipcode zone
"""
_OTHERS: Final = """
and bracket by capacity category children col column comment constituent contact currency education estimate fields
geography geoid geom in index kind month networth of or per plus4 point rating record segment source sum tag the to x
y zip4 zip5
"""
TELLING: Final = frozenset(_TELLING.split())
"""Words that run-together headers such as ``mailzipcode`` are cut into."""
WORDS: Final = TELLING | frozenset(_OTHERS.split())
"""All words that a header may be made of."""


def header_words(name: str) -> str:
    """Return the words of a header in lower case: camel case, underscores and run-together words taken apart.

    Examples
    --------
    >>> header_words("MailZipCode"), header_words("streetpredir"), header_words("npo02__LastOppAmount__c")
    ('mail zip code', 'street predir', 'npo 02 last opp amount c')
    """
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|#", name)
    words = [word for part in parts for word in _cut(part.lower())]
    whole = name.lower()
    letters = whole.rstrip("0123456789")
    known = letters.isalpha() and not {word for word in words if not word.isdigit()} <= TELLING
    return " ".join([*_cut(letters), *([whole[len(letters) :]] if letters != whole else [])] if known else words)


def _cut(text: str) -> list[str]:
    """Cut a run-together word into known words, the fewest; as it is where that does not work."""
    if text in TELLING or len(text) < 5:  # noqa: PLR2004  nothing to cut
        return [text]
    best: list[list[str] | None] = [[]] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - 14), end):
            before, word = best[start], text[start:end]
            if before is not None and word in TELLING and len(word) > 1:
                found = [*before, word]
                if best[end] is None or len(found) < len(best[end] or []):
                    best[end] = found
    return best[-1] or [text]
