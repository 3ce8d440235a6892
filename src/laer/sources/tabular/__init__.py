"""Spread-sheets and delimited files to record batches: read, recognise, type. Pure: writes nothing, asks no clock."""
