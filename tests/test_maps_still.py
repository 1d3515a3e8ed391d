"""The still map of reports: a shape for every cell, a legend, and nothing that runs."""

from test_maps_page import made_up_note, made_up_surface

from geoscore.maps.still import map_svg


def test_a_still_map_draws_every_cell_and_says_what_is_hidden() -> None:
    table, note = made_up_surface(), made_up_note()
    svg = map_svg(table, note=note, capacity=2500)
    assert svg.count("<path") == len(table["cell"].drop_null().unique())
    assert f"hidden (&lt; {note.k})" in svg
    assert "<script" not in svg


def test_a_still_map_of_nothing_is_a_map() -> None:
    assert map_svg(made_up_surface().slice(0, 0), note=made_up_note(), capacity=2500).startswith("<svg")
