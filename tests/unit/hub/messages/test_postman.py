"""Messages leave by a real SMTP server and a real HTTP gateway, once each."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update

from hub.config import MailSettings, SmsSettings
from hub.db.engine import Database
from hub.db.identity_tables import OutgoingMessage
from hub.db.tables import Patient
from hub.identity.hub_keys import HubKeys
from hub.messages.channel import Channel
from hub.messages.outbox import queue_message, withdraw_messages
from hub.messages.postman import Postman
from hub.messages.sms_channel import SmsChannel
from hub.messages.smtp_channel import SmtpChannel

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PATIENT = UUID(int=5)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class MailServer:
    """Keeps what it is sent; says what it is told to say."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, Mail]] = []
        self.rcpt_answer = "250 OK"
        self.data_answer = "250 OK"

    async def handle_RCPT(  # noqa: N802 aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content, policy=default)))
        if self.data_answer == "hang up":
            assert server.transport is not None
            server.transport.close()
        return self.data_answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> HubKeys:
    return HubKeys.generate()


@pytest.fixture
def mail_server() -> Iterator[tuple[MailServer, MailSettings]]:
    handler = MailServer()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, MailSettings(host="127.0.0.1", port=port, security="none", sender="kiosk@clinic.example")
    controller.stop()


class Gateway(ThreadingHTTPServer):
    status = 202

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), GatewayHandler)
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []


class GatewayHandler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((dict(self.headers.items()), body))
        if self.server.status == 0:
            self.connection.close()
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's own name
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sms(gateway: Gateway) -> Iterator[SmsChannel]:
    channel = SmsChannel(
        SmsSettings.model_validate({"url": f"http://127.0.0.1:{gateway.server_port}/send", "token": "secret"})
    )
    yield channel
    channel.close()


@pytest.fixture
def queue(database: Database, keys: HubKeys) -> Callable[..., None]:
    with database.writing.begin() as session:
        session.add(Patient(id=PATIENT, stored_at=NOW))

    def put(*, channel: Any = "email", key: str = "k", text: str = "Su código: 12345678") -> None:
        with database.writing.begin() as session:
            queue_message(
                session,
                keys,
                dedupe_key=key,
                purpose="reset-code",
                channel=channel,
                patient_id=PATIENT,
                recipient="z@example.org" if channel == "email" else "+573001234567",
                subject="Su código",
                text=text,
                now=NOW,
                expires_at=NOW + timedelta(minutes=15),
            )

    return put


@pytest.fixture
def postman(database: Database, keys: HubKeys, clock: Clock) -> Callable[..., Postman]:
    def hire(**channels: Channel) -> Postman:
        return Postman(database, sealer=keys, channels=channels, clock=clock)

    return hire


def states(database: Database) -> list[tuple[str, str | None, bool]]:
    with database.reading() as session:
        rows = session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.dedupe_key))
        return [(row.state, row.detail, row.sealed is None) for row in rows]


def test_an_email_is_sent_once_however_often_it_is_queued(
    queue: Any, postman: Any, mail_server: Any, clock: Clock, database: Database
) -> None:
    server, settings = mail_server
    queue()
    queue()
    sender = postman(email=SmtpChannel(settings, clock=clock))
    assert [sender.send_next(), sender.send_next()] == [True, False]
    ((recipient, mail),) = server.mails
    assert (recipient, mail["From"], mail["Subject"]) == ("z@example.org", "kiosk@clinic.example", "Su código")
    assert mail.get_content().strip() == "Su código: 12345678"  # type: ignore[attr-defined]  # the default policy's
    assert mail["Message-ID"].endswith("@clinic.example>")
    assert states(database) == [("sent", None, True)]


@pytest.mark.parametrize(
    ("rcpt", "data", "state"),
    [
        ("450 later", "250 OK", ("queued", "recipient-refused-450", False)),
        ("550 nobody", "250 OK", ("failed", "recipient-refused-550", True)),
        ("250 OK", "451 later", ("queued", "text-refused-451", False)),
        ("250 OK", "554 no", ("failed", "text-refused-554", True)),
        ("250 OK", "hang up", ("uncertain", "SMTPServerDisconnected", True)),
    ],
)
def test_what_the_mail_server_says_decides_whether_it_is_tried_again(
    queue: Any, postman: Any, mail_server: Any, clock: Clock, database: Database, rcpt: str, data: str, state: Any
) -> None:
    server, settings = mail_server
    server.rcpt_answer, server.data_answer = rcpt, data
    queue()
    postman(email=SmtpChannel(settings, clock=clock)).send_next()
    assert states(database) == [state]
    assert server.mails == []


def test_a_mail_server_that_is_away_is_tried_again_until_the_code_is_too_old(
    queue: Any, postman: Any, clock: Clock, database: Database, mail_server: Any
) -> None:
    server, settings = mail_server
    nowhere = settings.model_copy(update={"port": 1})
    queue()
    away = postman(email=SmtpChannel(nowhere, clock=clock))
    assert [away.send_next(), away.send_next()] == [True, False]
    assert states(database) == [("queued", "ConnectionRefusedError", False)]
    clock.now += timedelta(seconds=6)
    assert away.send_next()
    clock.now += timedelta(minutes=15)
    assert not postman(email=SmtpChannel(settings, clock=clock)).send_next()
    assert states(database) == [("expired", "ConnectionRefusedError", True)]
    assert server.mails == []


def test_what_was_leaving_when_the_hub_died_is_not_sent_again(
    queue: Any, postman: Any, clock: Clock, database: Database, mail_server: Any
) -> None:
    server, settings = mail_server
    queue()
    with database.writing.begin() as session:
        session.execute(update(OutgoingMessage).values(state="sending"))
    sender = postman(email=SmtpChannel(settings, clock=clock))
    sender.start()
    sender.stop()
    assert states(database) == [("uncertain", "interrupted", True)]
    assert server.mails == []


def test_an_sms_is_a_post_with_the_messages_id_as_idempotency_key(
    queue: Any, postman: Any, gateway: Gateway, sms: SmsChannel, database: Database
) -> None:
    queue(channel="sms")
    assert postman(sms=sms).send_next()
    ((headers, body),) = gateway.requests
    assert (body["to"], body["text"]) == ("+573001234567", "Su código: 12345678")
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer secret", body["id"])
    assert states(database) == [("sent", None, True)]


@pytest.mark.parametrize(
    ("status", "state"), [(503, "queued"), (429, "queued"), (400, "failed"), (500, "uncertain"), (0, "uncertain")]
)
def test_what_the_gateway_says_decides_whether_it_is_tried_again(
    queue: Any, postman: Any, gateway: Gateway, sms: SmsChannel, database: Database, status: int, state: str
) -> None:
    gateway.status = status
    queue(channel="sms")
    postman(sms=sms).send_next()
    assert [row[0] for row in states(database)] == [state]


def test_messages_of_a_deleted_account_altered_ones_and_those_without_a_channel_are_not_sent(
    queue: Any, postman: Any, gateway: Gateway, sms: SmsChannel, database: Database
) -> None:
    queue(key="a", channel="email")
    assert postman(sms=sms).send_next()
    queue(key="b", channel="sms")
    with database.writing.begin() as session:
        session.execute(update(OutgoingMessage).where(OutgoingMessage.dedupe_key == "b").values(sealed=bytes(90)))
    assert postman(sms=sms).send_next()
    queue(key="c", channel="sms")
    with database.writing.begin() as session:
        withdraw_messages(session, PATIENT, now=NOW)
    assert not postman(sms=sms).send_next()
    assert [row[0] for row in states(database)] == ["failed", "failed", "withdrawn"]
    assert gateway.requests == []
