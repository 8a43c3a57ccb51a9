"""What can be wrong with a message; every class has a stable code that travels in receipts and metrics."""

from typing import ClassVar


class ProtocolError(Exception):
    """A message that breaks the contract."""

    code: ClassVar[str] = "protocol-error"
    remedy: ClassVar[str] = "Compare the sender's message with the published JSON Schema."


class MessageTooLarge(ProtocolError):
    """More bytes than MAX_MESSAGE_BYTES; images never ride MQTT."""

    code = "message-too-large"
    remedy = "Send images by HTTP; split what is left."


class MessageMalformed(ProtocolError):
    """Not JSON, or JSON that does not fit the schema."""

    code = "message-malformed"
    remedy = "Update the sender; its message is kept in quarantine for a technician."


class VersionUnsupported(ProtocolError):
    """Another major version, or one older than the minimum accepted."""

    code = "version-unsupported"
    remedy = "Update the older side; the kiosk keeps the message and sends it again on request."


class TypeUnknown(ProtocolError):
    """An event or command that this version does not know."""

    code = "type-unknown"
    remedy = "Update the receiver; the kiosk keeps the message and sends it again on request."


class TopicInvalid(ProtocolError):
    """A topic outside the topic table, or one that contradicts the message it carried."""

    code = "topic-invalid"
    remedy = "Check the sender's site and kiosk settings against the broker's ACL."
