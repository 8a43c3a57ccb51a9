"""SMS by an HTTP gateway: one POST of JSON a message, with the message's id as idempotency key."""

from typing import Final

import httpx

from hub.config import SmsSettings
from hub.messages.channel import Message, NotEver, NotNow, Unclear

_NOT_TAKEN: Final = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})


class SmsChannel:
    """Sends through the configured gateway."""

    def __init__(self, settings: SmsSettings) -> None:
        assert settings.url is not None
        headers = {} if settings.token is None else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._url = settings.url
        self._sender = settings.sender
        self._client = httpx.Client(headers=headers, timeout=settings.timeout_s)

    def send(self, message: Message) -> None:
        """Hand the message to the gateway; see the port."""
        body = {"id": str(message.id), "to": message.recipient, "text": message.text}
        if self._sender is not None:
            body["from"] = self._sender
        try:
            response = self._client.post(self._url, json=body, headers={"Idempotency-Key": str(message.id)})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotNow(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Unclear(type(error).__name__) from None
        if response.is_success:
            return
        if response.status_code in _NOT_TAKEN:
            raise NotNow(f"status-{response.status_code}")
        if response.is_server_error:
            raise Unclear(f"status-{response.status_code}")
        raise NotEver(f"status-{response.status_code}")

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()
