"""The hub's settings: one TOML file, overridden by `DERMAKIOSK_HUB__…` variables. Unknown keys are errors."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from hub.errors import ConfigError
from protocol.fields import Sha256, ShortText, Slug

LOOPBACK = "127.0.0.1"
ENV_PREFIX = "DERMAKIOSK_HUB__"
Port = Annotated[int, Field(ge=1, le=65535)]
StaffRole = Literal["clinician", "technician", "attendant", "administrator"]
Role = StaffRole | Literal["kiosk"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HttpSettings(_Section):
    """Where the portal, the API and the image store listen."""

    host: str = Field("127.0.0.1", title="Address", description="Address to listen on.")
    port: Port = Field(8080, title="Port", description="TCP port to listen on.")


class BrokerSettings(_Section):
    """The MQTT broker between kiosks and hub."""

    host: str | None = Field(
        None, title="Host", description="Name or address of the broker; without one the hub starts its embedded broker."
    )
    port: Port = Field(1883, title="Port", description="Port of the configured broker.")
    username: str | None = Field(None, title="User name", description="Name that the hub signs in with.")
    password: SecretStr | None = Field(None, title="Password", description="Password that goes with the user name.")
    tls_ca_file: Path | None = Field(
        None, title="TLS CA file", description="PEM file of the authority that signed the broker's certificate."
    )
    embedded_port: Port = Field(1883, title="Embedded port", description="Loopback port of the embedded broker.")


class AccessEntry(_Section):
    """One caller: a person at the portal, a program, or a kiosk that uploads images."""

    name: ShortText = Field(title="Name", description="Who this is; appears in logs.")
    role: Role = Field(title="Role", description="What the caller may do.")
    token_sha256: Sha256 = Field(
        title="Token hash",
        description="SHA-256 of the caller's token, in hexadecimal; `python -m hub token` makes one.",
    )
    site: Slug | None = Field(None, title="Site", description="Site of a kiosk; only for the role kiosk.")
    kiosk: Slug | None = Field(None, title="Kiosk", description="Name of a kiosk; only for the role kiosk.")

    @model_validator(mode="after")
    def _kiosk_is_named(self) -> "AccessEntry":
        named = self.site is not None and self.kiosk is not None
        if self.role == "kiosk" and not named:
            raise ValueError("the role kiosk needs both site and kiosk")
        if self.role != "kiosk" and (self.site is not None or self.kiosk is not None):
            raise ValueError("site and kiosk belong to the role kiosk only")
        return self


class IngestSettings(_Section):
    """How reported events become records."""

    batch_size: Annotated[int, Field(ge=1, le=5_000)] = Field(
        500, title="Batch size", description="Most messages that share one database transaction."
    )
    batch_wait_ms: Annotated[int, Field(ge=0, le=1_000)] = Field(
        20, title="Batch wait (ms)", description="Longest wait for a batch to fill before it is committed."
    )
    replay_grace_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        10.0,
        title="Replay grace (s)",
        description="How long a gap in a kiosk's sequence may last before the hub asks for the missing events.",
    )
    replay_interval_s: Annotated[float, Field(ge=0.1, le=86_400)] = Field(
        60.0, title="Replay interval (s)", description="Least time between two such requests to one kiosk."
    )


class DeviceSettings(_Section):
    """How the fleet's state is judged."""

    heartbeat_interval_s: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        15.0,
        title="Heartbeat interval (s)",
        description="The kiosks' heartbeat interval; a kiosk that missed three is shown as silent.",
    )


class ImageSettings(_Section):
    """What the image store accepts."""

    max_bytes: Annotated[int, Field(ge=1, le=1024**3)] = Field(
        64 * 1024**2, title="Largest image (bytes)", description="Larger uploads are refused."
    )
    max_pixels: Annotated[int, Field(ge=1)] = Field(
        60_000_000, title="Largest image (pixels)", description="Images of more pixels are refused."
    )
    reserve_bytes: Annotated[int, Field(ge=0)] = Field(
        64 * 1024**2,
        title="Disk reserve (bytes)",
        description="Uploads stop while less than this is free, so that the database can still be written.",
    )


class StaffSettings(_Section):
    """How the hub's own people sign in."""

    relying_party_id: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)] = Field(
        "localhost",
        title="Relying party",
        description="Domain that passkeys belong to. Once there are passkeys, a change makes all of them useless.",
    )
    origin: str | None = Field(
        None,
        pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$",
        title="Origin",
        description="Address of the portal in the browser; without one, http://localhost and the port.",
    )
    session_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = Field(
        12 * 3_600, title="Session (s)", description="Longest session, of a browser or a program."
    )
    idle_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        1_800, title="Idle (s)", description="A browser's session ends after this long without a request."
    )
    step_up_s: Annotated[int, Field(ge=10, le=3_600)] = Field(
        300, title="Step-up (s)", description="How long a shown passkey allows what needs one."
    )
    access_token_s: Annotated[int, Field(ge=10, le=3_600)] = Field(
        600, title="Access token (s)", description="How long a program's access token is valid."
    )
    invitation_s: Annotated[int, Field(ge=60, le=30 * 86_400)] = Field(
        86_400, title="Invitation (s)", description="How long a one-time invitation is valid."
    )
    lock_failures: Annotated[int, Field(ge=1, le=100)] = Field(
        5, title="Failures", description="Failed sign-ins that lock a name."
    )
    lock_window_s: Annotated[int, Field(ge=1, le=86_400)] = Field(
        900, title="Window (s)", description="Within how long these must fall."
    )
    lock_s: Annotated[int, Field(ge=1, le=86_400)] = Field(
        1_800, title="Lock (s)", description="How long the name is locked then."
    )

    @model_validator(mode="after")
    def _origin_belongs_to_the_relying_party(self) -> "StaffSettings":
        host = urlsplit(self.origin).hostname or "" if self.origin else "localhost"
        if host != self.relying_party_id and not host.endswith(f".{self.relying_party_id}"):
            raise ValueError("origin: browsers refuse passkeys of a relying party that is no part of its host name")
        if self.origin and self.origin.startswith("http://") and host != "localhost":
            raise ValueError("origin: browsers allow passkeys by https only, but for localhost")
        return self


class IdentitySettings(_Section):
    """Who patients are, at all kiosks."""

    key_file: Path | None = Field(
        None,
        title="Key file",
        description="What seals credential records; without one, identity.key in the data folder. Back it up apart.",
    )
    cache_s: Annotated[int, Field(ge=0, le=366 * 86_400)] = Field(
        30 * 86_400, title="Cache (s)", description="How long a kiosk may keep the record of a patient of another one."
    )
    lock_failures: Annotated[int, Field(ge=1, le=100)] = Field(
        3, title="Failures", description="Failed attempts of one name, at all kiosks together, that lock it everywhere."
    )
    lock_window_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        900.0, title="Window (s)", description="Within how long these must fall."
    )
    lock_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        1_800.0, title="Lock (s)", description="How long the name is locked then."
    )
    claims_per_hour: Annotated[int, Field(ge=1, le=100_000)] = Field(
        120, title="Claims an hour", description="Most credential records that one kiosk may ask for."
    )
    resets_per_hour: Annotated[int, Field(ge=1, le=100_000)] = Field(
        30, title="Resets an hour", description="Most reset codes that one kiosk may order, and most that it may try."
    )


class MailSettings(_Section):
    """The mail server that reset codes and notices leave by."""

    host: str | None = Field(None, title="Host", description="Without one, no e-mail is sent.")
    port: Port = Field(587, title="Port", description="587 with STARTTLS, 465 with TLS.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", title="Protection", description="none sends codes in the open; a clinic may not."
    )
    tls_ca_file: Path | None = Field(
        None, title="TLS CA file", description="PEM file of the authority that signed the server's certificate."
    )
    username: str | None = Field(None, title="User name", description="Name that the hub signs in with.")
    password: SecretStr | None = Field(None, title="Password", description="Password that goes with the user name.")
    sender: str = Field(
        "dermakiosk@localhost", pattern=r"^[^@\s]+@[^@\s]+$", title="Sender", description="Address of the sender."
    )
    timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(
        20.0, title="Time-out (s)", description="Longest wait for each of the server's answers."
    )


class SmsSettings(_Section):
    """The HTTP gateway that SMS leave by."""

    url: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+$",
        title="Address",
        description='Gets a POST of {"id", "to", "text"} for each SMS. Without one, no SMS is sent.',
    )
    token: SecretStr | None = Field(None, title="Token", description="Bearer token of the gateway.")
    sender: str | None = Field(None, max_length=20, title="Sender", description='Sent as "from", if given.')
    timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(
        20.0, title="Time-out (s)", description="Longest wait for the gateway's answer."
    )


class HubSettings(BaseSettings):
    """All settings of one hub."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    environment: Literal["demo", "clinic"] = Field(
        "demo", title="Environment", description="`clinic` refuses every part that is meant for demonstrations only."
    )
    data_dir: Path = Field(title="Data folder", description="Folder of the database and the image store.")
    client_id: Slug = Field("hub", title="MQTT client id", description="The hub's own, lasting name at the broker.")
    database_url: str | None = Field(
        None, title="Database URL", description="SQLAlchemy URL; without one, a SQLite file in the data folder."
    )
    http: HttpSettings = Field(HttpSettings(), title="HTTP", description="Portal, API and image store.")
    broker: BrokerSettings = Field(BrokerSettings(), title="Broker", description="MQTT broker.")
    access: tuple[AccessEntry, ...] = Field((), title="Access", description="Callers, their roles and token hashes.")
    ingest: IngestSettings = Field(IngestSettings(), title="Ingest", description="From events to records.")
    devices: DeviceSettings = Field(DeviceSettings(), title="Devices", description="Judging the fleet's state.")
    images: ImageSettings = Field(ImageSettings(), title="Images", description="Limits of the image store.")
    identity: IdentitySettings = Field(IdentitySettings(), title="Identity", description="Patients at all kiosks.")
    mail: MailSettings = Field(MailSettings(), title="E-mail", description="Reset codes and notices to patients.")
    sms: SmsSettings = Field(SmsSettings(), title="SMS", description="The same, by SMS.")
    staff: StaffSettings = Field(StaffSettings(), title="Staff", description="How the hub's own people sign in.")

    @property
    def database(self) -> str:
        """URL of the database in use."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'hub.sqlite3'}"

    @property
    def origin(self) -> str:
        """Where browsers open the portal, as WebAuthn names it."""
        return self.staff.origin or f"http://localhost:{self.http.port}"

    @property
    def identity_key_file(self) -> Path:
        """The identity key file in use."""
        return self.identity.key_file or self.data_dir / "identity.key"

    @property
    def broker_address(self) -> tuple[str, int]:
        """Host and port of the broker in use."""
        if self.broker.host is None:
            return LOOPBACK, self.broker.embedded_port
        return self.broker.host, self.broker.port

    @model_validator(mode="after")
    def _clinic_is_guarded(self) -> "HubSettings":
        if len({entry.token_sha256 for entry in self.access}) < len(self.access):
            raise ValueError("access: two entries share one token")
        if self.environment == "clinic":
            broker = self.broker
            if broker.host is None:
                raise ValueError("broker.host: the embedded broker has no access control; name a real broker")
            if not broker.username or broker.password is None:
                raise ValueError("broker.username, broker.password: clinic mode signs in at the broker")
            if broker.tls_ca_file is None:
                raise ValueError("broker.tls_ca_file: clinic mode talks to the broker over TLS only")
            if self.mail.host is not None and self.mail.security == "none":
                raise ValueError("mail.security: clinic mode sends codes over TLS only")
            if self.sms.url is not None and not self.sms.url.startswith("https://"):
                raise ValueError("sms.url: clinic mode sends codes by https only")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 the overridden signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the overridden signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the overridden signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose content arrives as keyword arguments."""
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> HubSettings:
    """Settings from the file, if one is given, and the environment.

    Raises:
        ConfigError: names every wrong, missing or unknown field; never repeats a value.
    """
    _refuse_unknown_variables(os.environ)
    try:
        return HubSettings(**_read(path))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise ConfigError("; ".join(problems)) from None
    except SettingsError as error:
        raise ConfigError(str(error)) from None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    # pydantic-settings reads the variables it knows and passes over the others; a misspelt one must not go unseen.
    for variable in environment:
        if variable.upper().startswith(ENV_PREFIX):
            field = variable[len(ENV_PREFIX) :].split("__")[0].lower()
            if field not in HubSettings.model_fields:
                raise ConfigError(f"{variable}: there is no such setting")
