"""The root of the hub's errors. Each class names its HTTP status, a stable code and what to do about it."""

from collections.abc import Mapping
from typing import ClassVar


class HubError(Exception):
    """Something the hub refuses or cannot do; the message says what, without patient data."""

    code: ClassVar[str] = "hub-error"
    title: ClassVar[str] = "The hub could not do this"
    status: ClassVar[int] = 500
    remedy: ClassVar[str] = "Read the hub's log; try again."

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})


class ConfigError(HubError):
    """Settings that do not hold together; the message names each field."""

    code = "config-invalid"
    title = "The settings are not valid"
    remedy = "Correct the named fields in the settings file or the environment."


class PortInUse(HubError):
    """Another process listens on a port that the hub was told to open."""

    code = "port-in-use"
    title = "The port is taken"
    remedy = "Stop the other process, or choose another port in the settings."


class StartFailed(HubError):
    """A part that the hub cannot do without did not start."""

    code = "start-failed"
    title = "The hub did not start"
    remedy = "Read the message; correct what it names and start again."


class DatabaseNewer(HubError):
    """The database was migrated by a later release than this one."""

    code = "database-newer"
    title = "The database is newer than this program"
    remedy = "Start the release that last used this database, or restore a backup from before the upgrade."


class DatabaseUnavailable(HubError):
    """The database is locked, full or away."""

    code = "database-unavailable"
    title = "The database is not available"
    status = 503
    remedy = "Try again shortly; if it lasts, a technician frees disk space or restarts the database."


class BackupFailed(HubError):
    """A backup could not be made, or kiosks could not be told of it."""

    code = "backup-failed"
    title = "The backup is not complete"
    remedy = "Correct what the message names and run the backup again; nothing is deleted because of a failed one."


class NotFound(HubError):
    """No such record, or none that the caller may see."""

    code = "not-found"
    title = "There is no such record"
    status = 404
    remedy = "Check the address."


class Conflict(HubError):
    """The request contradicts what is stored."""

    code = "conflict"
    title = "The request contradicts what is stored"
    status = 409
    remedy = "Read the current state and try again."


class Unprocessable(HubError):
    """Well formed, but not acceptable."""

    code = "unprocessable"
    title = "The request cannot be accepted"
    status = 422
    remedy = "Correct the request."


class Unauthorised(HubError):
    """No token, or one that the hub does not know."""

    code = "unauthorised"
    title = "Sign in first"
    status = 401
    remedy = "Send a valid bearer token, or open the sign-in link again."


class Forbidden(HubError):
    """A known caller whose role does not allow this."""

    code = "forbidden"
    title = "Your role does not allow this"
    status = 403
    remedy = "Ask an administrator for the role that this needs."


class UploadOffsetMismatch(HubError):
    """The bytes sent do not continue those already here; the header `Upload-Offset` says where to continue."""

    code = "upload-offset-mismatch"
    title = "The upload must continue elsewhere"
    status = 409
    remedy = "Continue from the offset in the header Upload-Offset."


class ImageHashMismatch(HubError):
    """The bytes received are not those that the address names; they were discarded."""

    code = "image-hash-mismatch"
    title = "The bytes are not the image that was announced"
    status = 422
    remedy = "Read the image again and upload it from the start."


class ImageTooLarge(HubError):
    """More bytes or pixels than the hub accepts."""

    code = "image-too-large"
    title = "The image is too large"
    status = 413
    remedy = "Send a smaller image; the limits are in the hub's settings."


class NotAnImage(HubError):
    """Bytes that are neither JPEG nor PNG; they were discarded."""

    code = "not-an-image"
    title = "The bytes are not an image"
    status = 415
    remedy = "Send a JPEG or PNG file."


class StorageFull(HubError):
    """No room for more image bytes; what has arrived is kept."""

    code = "storage-full"
    title = "The hub's disk is full"
    status = 507
    remedy = "Keep the image and continue later; a technician frees space on the hub."
