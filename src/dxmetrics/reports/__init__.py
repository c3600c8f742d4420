"""Reports: one document, written from the metrics API only, rendered to paper, slides, sheets, mail and data.

A report is a file of `data/reports/`; writing it for a period and a team gives a `Document`, which holds every number
it will ever show. Rendering asks nothing further, so that the same document always gives the same numbers.
"""
