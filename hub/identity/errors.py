"""What goes wrong with identity."""

from hub.errors import HubError


class IdentityKeysUnusable(HubError):
    """The hub's identity key file is missing, damaged, or open to others."""

    code = "identity-keys-unusable"
    title = "The hub's identity keys cannot be used"
    remedy = "Restore the key file from its own backup and give it mode 0600; without it every patient registers anew."


class CredentialUnreadable(HubError):
    """A stored credential record does not open with the hub's key file: altered, or of another key file."""

    code = "credential-unreadable"
    title = "A credential record cannot be read"
    remedy = "Restore the hub's own identity key file; if the record was altered, its patient registers again."


class KioskKeysMissing(HubError):
    """The kiosk has not made its keys known, so that nothing can be sealed to it."""

    code = "kiosk-keys-missing"
    title = "The kiosk's keys are not known"
    status = 409
    remedy = "The kiosk sends its keys by itself once it reaches the hub."


class KioskKeysChanged(HubError):
    """The kiosk shows other keys than those it is known by."""

    code = "kiosk-keys-changed"
    title = "The kiosk's keys have changed"
    status = 409
    remedy = "An administrator asks why (a new disk?), and confirms the new keys at the hub."


class EnvelopeAltered(HubError):
    """An envelope that does not open, or holds something else than its outside says."""

    code = "envelope-altered"
    title = "The envelope does not hold what it says"
    status = 422
    remedy = "The kiosk seals the record anew with the hub's present key."


class RecordOutdated(HubError):
    """The sender changed an older record than the hub has."""

    code = "record-outdated"
    title = "The hub has a newer record"
    status = 409
    remedy = "Claim the newer record and repeat the change."


class IdentityDeleted(HubError):
    """The account was deleted at the patient's wish."""

    code = "identity-deleted"
    title = "The account was deleted"
    status = 410
    remedy = "Delete it at the kiosk as well; the order is on its way."


class ClaimUnknown(HubError):
    """Nobody of whom the hub has a record is named so."""

    code = "claim-unknown"
    title = "Nobody is named so"
    status = 404
    remedy = "Check the name; the patient may have registered at a kiosk that has not reached the hub yet."


class ResetCodeWrong(HubError):
    """Not the code, or one that is used, too old, guessed at too often; or nobody is named so."""

    code = "reset-code-wrong"
    title = "The code is not accepted"
    status = 403
    remedy = "Check the code, or ask for a new one."


class TooManyRequests(HubError):
    """A kiosk asks more often than patients come."""

    code = "too-many-requests"
    title = "Too many questions from this kiosk"
    status = 429
    remedy = "Wait; a technician looks at the kiosk if it goes on."


class ReceiptUnverified(HubError):
    """A deletion receipt that its kiosk's key did not sign, or for another order; it does not count."""

    code = "receipt-unverified"
    title = "The deletion receipt is not verified"
    status = 422
    remedy = "The order is sent again; if the kiosk's keys have changed, an administrator confirms them first."
