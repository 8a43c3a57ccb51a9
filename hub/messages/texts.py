"""What patients are written, in the languages of the kiosk's screens. No medical word, no name, no user name."""

from datetime import datetime
from typing import Final, NamedTuple


class Text(NamedTuple):
    """Subject, which an SMS leaves out, and text."""

    subject: str
    text: str


_RESET: Final[dict[str, Text]] = {
    "en": Text(
        "Your code",
        "Your kiosk code: {code}. It is valid for {minutes} minutes and works once. Tell it to nobody. "
        "If you did not ask for it, do nothing.",
    ),
    "es": Text(
        "Su código",
        "Su código del quiosco: {code}. Vale {minutes} minutos y una sola vez. No se lo diga a nadie. "
        "Si no lo pidió, no haga nada.",
    ),
    "zh": Text(
        "您的验证码",
        "您的自助机验证码：{code}。{minutes} 分钟内有效，只能使用一次。请勿告诉他人。如非本人操作，请忽略。",
    ),
}
_LOCKED: Final[dict[str, Text]] = {
    "en": Text(
        "Attempts to sign in",
        "Somebody tried to sign in to your kiosk account {failures} times and failed. It is locked until {until} UTC. "
        "If it was you, wait, or ask the staff. If it was not you, tell the staff.",
    ),
    "es": Text(
        "Intentos de entrar",
        "Alguien intentó entrar {failures} veces en su cuenta del quiosco y no pudo. Está bloqueada hasta las {until} "
        "UTC. Si fue usted, espere o pida ayuda al personal. Si no fue usted, avise al personal.",
    ),
    "zh": Text(
        "登录尝试",
        "有人尝试登录您的自助机账户 {failures} 次，均未成功。账户已锁定至 {until}（UTC）。"
        "如果是您本人，请稍候或请工作人员帮助；如果不是，请告知工作人员。",
    ),
}


def reset_code_text(language: str | None, *, code: str, minutes: int) -> Text:
    """The message with a reset code."""
    text = _RESET.get(language or "", _RESET["en"])
    return Text(text.subject, text.text.format(code=code, minutes=minutes))


def locked_text(language: str | None, *, failures: int, until: datetime) -> Text:
    """The message that tells of failed attempts."""
    text = _LOCKED.get(language or "", _LOCKED["en"])
    return Text(text.subject, text.text.format(failures=failures, until=f"{until:%Y-%m-%d %H:%M}"))
