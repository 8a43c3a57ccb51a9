"""E-mail by SMTP, step by step, so that a failure before the message's text is known to be one."""

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from hub.config import MailSettings
from hub.messages.channel import Message, NotEver, NotNow, Unclear

_ACCEPTED: Final = 250
_WILL_FORWARD: Final = 251
_PERMANENT: Final = 500


class SmtpChannel:
    """Sends through the configured mail server, one connection a message."""

    def __init__(self, settings: MailSettings, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, message: Message) -> None:
        """Hand the message to the mail server; see the port."""
        try:
            smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(type(error).__name__) from None
        try:
            self._envelope(smtp, message)
            self._text(smtp, message)
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        finally:
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        assert settings.host is not None
        ca_file = None if settings.tls_ca_file is None else str(settings.tls_ca_file)
        context = ssl.create_default_context(cafile=ca_file)
        smtp: smtplib.SMTP
        if settings.security == "tls":
            smtp = smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                smtp.starttls(context=context)
            if settings.username is not None:
                smtp.login(settings.username, settings.password.get_secret_value() if settings.password else "")
            smtp.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException):
            smtp.close()
            raise
        return smtp

    def _envelope(self, smtp: smtplib.SMTP, message: Message) -> None:
        try:
            code, _ = smtp.mail(self._settings.sender)
            _require(code, {_ACCEPTED}, "sender")
            code, _ = smtp.rcpt(message.recipient)
            _require(code, {_ACCEPTED, _WILL_FORWARD}, "recipient")
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise NotNow(type(error).__name__) from None

    def _text(self, smtp: smtplib.SMTP, message: Message) -> None:
        try:
            code, _ = smtp.data(self._mail(message).as_bytes(policy=SMTP))
        except smtplib.SMTPDataError as error:  # the server would not even hear the text
            _require(error.smtp_code, set(), "data")
        except (OSError, smtplib.SMTPException) as error:
            raise Unclear(type(error).__name__) from None
        else:
            _require(code, {_ACCEPTED}, "text")

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._settings.sender
        mail["To"] = message.recipient
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock())
        # The same for the same message, should a server get it twice.
        mail["Message-ID"] = f"<{message.id}@{self._settings.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def _require(code: int, wanted: set[int], what: str) -> None:
    # The server's words are left out: it may repeat the address in them.
    if code in wanted:
        return
    if code >= _PERMANENT:
        raise NotEver(f"{what}-refused-{code}")
    raise NotNow(f"{what}-refused-{code}")
