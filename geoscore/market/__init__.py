"""Market: trade areas and choice models over a surface.

Joins the rooms of trade, query and ingest: files and surfaces come in, layers go out.
"""
