"""What goes wrong when people sign in at the hub or manage accounts."""

from hub.errors import HubError


class StaffSignInRefused(HubError):
    """Wrong name, password or code, or an account that is locked or shut: all alike."""

    code = "staff-sign-in-refused"
    title = "Not signed in"
    status = 401
    remedy = "Check name and password. After several failures a name is locked for a while."


class PasskeyRefused(HubError):
    """The browser's answer is of another challenge, origin or person, or no passkey of this account."""

    code = "passkey-refused"
    title = "This passkey was not accepted"
    status = 403
    remedy = "Try again with a passkey of this account, at the portal's own address."


class StepUpRequired(HubError):
    """The act needs a passkey that was shown within the last minutes (RFC 9470)."""

    code = "step-up-required"
    title = "Show your passkey"
    status = 401
    remedy = "Confirm with your passkey and try again; a program's token cannot do this."

    def __init__(self, detail: str, *, max_age_s: int) -> None:
        super().__init__(
            detail,
            headers={"WWW-Authenticate": f'Bearer error="insufficient_user_authentication", max_age={max_age_s}'},
        )


class TokenRefused(HubError):
    """A refresh token that is unknown, over, or was used before; the last ends its whole session."""

    code = "token-refused"
    title = "The token is not valid"
    status = 401
    remedy = "Sign in at the portal and make a new token."


class InvitationRefused(HubError):
    """An invitation that is unknown, used or over."""

    code = "invitation-refused"
    title = "This invitation is not valid"
    status = 403
    remedy = "Ask an administrator for a new invitation."


class PasswordRefused(HubError):
    """The text cannot be a password here; the message says why."""

    code = "staff-password-weak"
    title = "Choose another password"
    status = 422
    remedy = "Choose 10 to 128 characters, such as four words, without your name; no common password."


class UsernameTaken(HubError):
    """Another account has this name."""

    code = "staff-username-taken"
    title = "This user name is taken"
    status = 409
    remedy = "Choose another user name."


class LastAdministrator(HubError):
    """Nobody could manage the accounts afterwards."""

    code = "last-administrator"
    title = "This is the last administrator"
    status = 409
    remedy = "Make another administrator first."


class FormFromElsewhere(HubError):
    """Another site's page, or one of another port, sent the form."""

    code = "form-from-elsewhere"
    title = "This form came from elsewhere"
    status = 403
    remedy = "Open the portal's own address and sign in there."
