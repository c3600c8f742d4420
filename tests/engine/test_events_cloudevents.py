"""CloudEvents over HTTP: three forms are read as one, and what is wrong is named."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxmetrics.errors import MalformedError
from dxmetrics.events import cloudevents
from dxmetrics.events.cloudevents import BATCH, STRUCTURED, CloudEvent

DATA = {"context": {"id": "e-1", "source": "/ci", "type": "t"}, "subject": {"id": "pay"}}
EVENT = {"specversion": "1.0", "id": "e-1", "source": "/ci", "type": "t"}
BINARY = {f"ce-{name}": value for name, value in EVENT.items()} | {"content-type": "application/json"}


def structured(**changed: Any) -> list[CloudEvent]:
    said = {name: value for name, value in (EVENT | changed).items() if value is not ...}
    return cloudevents.read({"content-type": STRUCTURED}, json.dumps(said).encode())


def refusal(headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        cloudevents.read(headers, body)
    return str(caught.value)


def test_the_three_forms_say_the_same() -> None:
    time = "2026-03-31T14:00:00.5+02:00"
    one = EVENT | {"subject": "pay", "time": time, "chain": "c-1", "data": DATA}
    headers = BINARY | {"ce-subject": "pay", "ce-time": time, "ce-chain": "c-1"}
    expected = CloudEvent(
        "e-1", "/ci", "t", "pay", datetime(2026, 3, 31, 12, 0, 0, 500_000, tzinfo=UTC), DATA, {"chain": "c-1"}
    )
    assert cloudevents.read({"content-type": f"{STRUCTURED}; charset=utf-8"}, json.dumps(one).encode()) == [expected]
    assert cloudevents.read({"content-type": BATCH}, json.dumps([one, one]).encode()) == [expected, expected]
    assert cloudevents.read(headers, json.dumps(DATA).encode()) == [expected]


def test_an_empty_batch_has_no_events() -> None:
    assert cloudevents.read({"content-type": BATCH}, b"[]") == []


def test_data_may_be_in_base64() -> None:
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    assert structured(data_base64=encoded)[0].data == DATA


def test_data_may_be_absent() -> None:
    assert structured()[0].data is None
    assert cloudevents.read(BINARY, b"")[0].data is None


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("100%25", "100%"),
        ("100%2525", "100%25"),
        ('"a \\"quoted\\" \\\\ one"', 'a "quoted" \\ one'),
        ("plain/text", "plain/text"),
    ],
)
def test_header_values_are_decoded_once(sent: str, meant: str) -> None:
    assert cloudevents.read(BINARY | {"ce-subject": sent}, b"{}")[0].subject == meant


def test_a_header_that_is_no_utf_8_is_refused() -> None:
    assert refusal(BINARY | {"ce-subject": "%C0%A0"}, b"{}") == (
        "ce-subject = '%C0%A0': percent-encode the bytes of its UTF-8"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": ...}, "the event: id = None: it must be there, and be a text that is not blank"),
        ({"source": " "}, "the event: source = ' ': it must be there, and be a text that is not blank"),
        ({"type": 7}, "the event: type = 7: it must be there, and be a text that is not blank"),
        ({"subject": ["pay"]}, "the event: subject = ['pay']: it must be a text"),
        ({"specversion": "0.3"}, "the event: specversion = '0.3': CloudEvents 1.0 is what is read"),
        ({"specversion": ...}, "the event: specversion = None: CloudEvents 1.0 is what is read"),
        ({"specversion": 1.0}, "the event: specversion = 1.0: CloudEvents 1.0 is what is read"),
        (
            {"time": "yesterday"},
            "the event: time = 'yesterday' is no RFC 3339 time: write it as 2026-03-31T12:00:00Z",
        ),
        (
            {"time": "2026-W14-2T12:00:00Z"},
            "the event: time = '2026-W14-2T12:00:00Z' is no RFC 3339 time: write it as 2026-03-31T12:00:00Z",
        ),
        ({"time": 1774958400}, "the event: time = 1774958400 is no RFC 3339 time: write it as 2026-03-31T12:00:00Z"),
        (
            {"time": "2026-03-31T12:00:00"},
            "the event: time = '2026-03-31T12:00:00' has no zone: write it as 2026-03-31T12:00:00Z, or with its offset",
        ),
        (
            {"time": "2026-02-30T12:00:00Z"},
            (
                "the event: time = '2026-02-30T12:00:00Z' is no day or hour of a calendar: "
                "write it as 2026-03-31T12:00:00Z"
            ),
        ),
        ({"data_base64": "%%"}, "the event: data_base64 is no base64 (Only base64 data is allowed)"),
        ({"data_base64": "e30=", "data": {}}, "the event has both data and data_base64: send one of them"),
    ],
)
def test_a_wrong_attribute_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        structured(**changed)
    assert str(caught.value) == message


def test_the_first_instant_of_the_calendar_is_refused_where_utc_has_none() -> None:
    with pytest.raises(MalformedError, match="is no day or hour of a calendar"):
        structured(time="0001-01-01T00:00:00+05:00")


def test_a_batch_names_the_event_that_is_wrong() -> None:
    body = json.dumps([EVENT, EVENT | {"id": ""}]).encode()
    assert refusal({"content-type": BATCH}, body).startswith("event 1 of the batch: id = ''")
    assert refusal({"content-type": BATCH}, b"[7]") == "event 0 of the batch is a number, not an object"
    assert refusal({"content-type": BATCH}, b"{}") == (
        f"the batch is an object, not a list: send a list of events, or {STRUCTURED}"
    )
    assert refusal({"content-type": BATCH}, json.dumps([EVENT] * 10_001).encode()) == (
        "the batch has 10,001 events: send at most 10,000 at once"
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id": NaN}', b"[" * 5_000, b'"\\ud800"'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert refusal({"content-type": STRUCTURED}, body).startswith("the event is no JSON: ")


def test_an_unknown_media_type_is_answered_with_the_three() -> None:
    assert refusal({"content-type": "application/json"}, b"{}") == (
        "Content-Type 'application/json' is no CloudEvent: send application/cloudevents+json, "
        "application/cloudevents-batch+json, or application/json with ce- headers"
    )
    assert refusal({}, b"").startswith("Content-Type '' is no CloudEvent")
    assert refusal(BINARY | {"content-type": "text/xml"}, b"<a/>").startswith("Content-Type 'text/xml': the data")


@pytest.mark.parametrize("name", ["id", "source", "type"])
def test_a_context_that_contradicts_its_event_is_refused_with_both_values(name: str) -> None:
    body = json.dumps({"context": {name: "another"}}).encode()
    expected = f"{name} is {EVENT[name]!r} in the CloudEvent and 'another' in the context of its data: send the same"
    assert refusal(BINARY, body) == expected
    assert refusal({"content-type": STRUCTURED}, json.dumps(EVENT | {"data": json.loads(body)}).encode()) == expected


def test_data_in_a_header_is_refused() -> None:
    assert refusal(BINARY | {"ce-data_base64": "e30="}, b"{}") == (
        "ce-data_base64 is no attribute of an event: send its data as the body"
    )


def test_a_number_that_json_cannot_repeat_does_not_spoil_what_is_kept() -> None:
    body = json.dumps(EVENT).replace("}", ', "data": {"value": 1e999, "other": 1}}').encode()
    event = cloudevents.read({"content-type": STRUCTURED}, body)[0]
    assert CloudEvent.of_json(event.as_json()).data == {"value": None, "other": 1}


def test_a_refused_value_is_told_in_short() -> None:
    with pytest.raises(MalformedError) as caught:
        structured(subject=["x" * 1_000_000])
    assert len(str(caught.value)) < 200


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "subject"]), inner),
    max_leaves=8,
)


@given(
    st.builds(
        CloudEvent,
        id=NAMES,
        source=NAMES,
        type=NAMES,
        subject=st.none() | NAMES,
        time=st.none() | st.datetimes(timezones=st.just(UTC)),
        data=JSON,
        extensions=st.dictionaries(st.sampled_from(["chain", "partition"]), NAMES),
    )
)
def test_what_is_kept_reads_as_what_came(event: CloudEvent) -> None:
    assert CloudEvent.of_json(event.as_json()) == event
    assert cloudevents.read({"content-type": STRUCTURED}, event.as_json()) == [event]


@given(NAMES, NAMES, NAMES, NAMES)
def test_each_identity_has_a_delivery_id_of_its_own(source: str, one: str, other_source: str, other: str) -> None:
    first, second = CloudEvent(one, source, "t"), CloudEvent(other, other_source, "t")
    assert (first.delivery_id == second.delivery_id) == ((source, one) == (other_source, other))
    assert 0 < len(first.delivery_id) <= 500
    assert first.delivery_id.isprintable()


def test_ids_that_meet_at_a_slash_are_different_deliveries() -> None:
    assert CloudEvent("b/c", "a", "t").delivery_id != CloudEvent("c", "a/b", "t").delivery_id


def test_a_long_id_is_one_delivery_however_long() -> None:
    one, other = CloudEvent("x" * 5_000, "/ci", "t"), CloudEvent("x" * 4_999, "/ci", "t")
    assert one.delivery_id != other.delivery_id
    assert len(one.delivery_id) <= 500
