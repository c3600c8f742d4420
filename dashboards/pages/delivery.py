"""Delivery: how often, how fast and how safely does change reach production?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import cards, charts, filters, frame, receipt, stages, tables, theme

read = frame.open_page("Delivery performance")
colour = theme.tokens()
services = len(read.values("service"))
frame.lead(f"DORA metrics from {numbers.count(services, 'service')} · data to {numbers.instant(read.metrics.as_of)}")
choice = filters.bar(read)
cards.row(read, cards.DORA, choice)

left, right = st.columns(2, gap="small")
with left:
    weeks = read.cells("change_fail_rate", choice.start, choice.until, choice.where, period="week")
    counted = read.cells("deployments", choice.start, choice.end, choice.where, period="week")
    whole = read.comparison("change_fail_rate", choice.start, choice.end, choice.where).current
    note = f"{numbers.count(whole.n, 'deployment')}, {whole.k or 0:,} needed a fix; the week still running is hollow"
    keys = (("Needed a fix", colour.bad), ("Did not", colour.bars))
    with frame.card("deployments", "Deployments per week", note, keys):
        charts.show(charts.deployments(weeks, counted, colour), "Deployments per week and how many needed a fix")
        receipt.button("change_fail_rate", "deployments per week", place="weeks")
with right:
    weeks = read.cells("change_lead_time", choice.start, choice.until, choice.where, period="week")
    dots = read.few_rows("change_lead_time", choice.start, choice.until, choice.where)
    legend = [
        ("Median", colour.accent),
        ("Middle half", colour.band),
        *([("One change", colour.muted)] if dots else []),
    ]
    with frame.card("lead-time", "Change lead time", "Half of a week's changes fall inside the band", legend):
        charts.show(charts.lead_time(weeks, dots, colour), "Median lead time per week with its middle half")
        receipt.button("change_lead_time", "lead time", place="weeks")

split = stages.by_team_or_service(read, choice, colour)
with frame.card("stages", split.title, split.note, split.keys):
    charts.show(charts.stages(split.rows, split.parts, colour), split.title, instead=split.reason)
    receipt.button(stages.METRIC, "lead time by stage", place="stages")

table = tables.services(read, choice, "delivery")
if not table.empty:
    with frame.card("services", "Services", "Open a service to filter this page; the address can be shared"):
        tables.show_services(table)

frame.foot(read)
receipt.show_asked(read, choice)
