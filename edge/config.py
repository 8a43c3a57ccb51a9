"""The kiosk's settings: one TOML file, overridden by DERMAKIOSK_EDGE__* variables; an unknown key is an error."""

import os
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from edge.errors import EdgeError
from protocol.fields import Slug

ENV_PREFIX = "DERMAKIOSK_EDGE__"


class SettingsInvalid(EdgeError):
    """A setting is missing, unknown or out of range."""

    code = "settings-invalid"
    remedy = "Correct the named settings; docs/reference/settings.md lists them all."


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Capture(_Section):
    """Cameras and what they look at."""

    dermoscope: str = Field(
        "sim://phantom?seed=1",
        title="Dermoscope",
        description="Camera address: sim://phantom, folder:///path, v4l2:///dev/video0 or picamera2://0.",
    )
    face_camera: str | None = Field(
        None,
        title="Face camera",
        description="Camera address for sign-in by face; none for password only. In a demo: sim://face?image=/a.jpg.",
    )


class Inference(_Section):
    """The model that runs here."""

    package: Path = Field(
        Path("models/melanoma"),
        title="Model package",
        description="Folder with manifest.json; used until one is installed.",
    )
    scalp_package: Path | None = Field(
        None,
        title="Scalp model package",
        description="The same for the scalp; unset, a demo uses models/scalp, which knows simulated scalps only.",
    )
    trusted_keys: Path = Field(
        Path("models/trusted-keys"),
        title="Trusted keys",
        description="Folder with the public keys (*.pem) of those whose model packages a clinic uses.",
    )
    device: str = Field(
        "AUTO",
        title="OpenVINO device",
        description="CPU, GPU, or AUTO: an Intel GPU if present and if the model passes its self-test there, else CPU.",
    )
    precision: Literal["auto", "f32", "bf16", "f16", "int8"] = Field(
        "auto",
        title="Arithmetic",
        description="auto takes the fastest here of those that the model package was measured to keep its answers in.",
    )
    threads: int | None = Field(None, ge=1, le=64, title="Threads", description="None lets OpenVINO choose.")


class Identity(_Section):
    """How patients are recognised."""

    face_encoder: Literal["dlib", "none"] = Field(
        "dlib", title="Face encoder", description="none offers password sign-in only."
    )
    lock_failures: int = Field(
        3, ge=1, le=10, title="Failures", description="Failed sign-ins of one name within the window that lock it."
    )
    lock_window_s: float = Field(
        900.0, ge=60, le=86_400, title="Window", description="Seconds for which a failed sign-in counts."
    )
    lock_s: float = Field(1800.0, ge=60, le=86_400, title="Lock", description="Seconds for which a name stays locked.")
    throttle_failures: int = Field(
        10, ge=3, le=1000, title="Throttle", description="Failures of all names in its window that slow the kiosk down."
    )
    throttle_window_s: float = Field(
        600.0, ge=60, le=86_400, title="Throttle's window", description="Seconds for which a failure slows it down."
    )
    cache_days: float = Field(
        7.0,
        ge=0,
        le=366,
        title="Cache",
        description="Days at most that another kiosk's patient is kept here; 0: never.",
    )
    guardian_age: int = Field(
        18, ge=0, le=25, title="Guardian until", description="Age in years below which a guardian must register too."
    )
    face_burst_s: float = Field(
        5.0, ge=2, le=15, title="Face check", description="Seconds in which a face must be seen at one attempt."
    )
    face_left_s: float = Field(
        20.0, ge=0, le=600, title="Face gone", description="Seconds without a face until a visit ends; 0: never."
    )


class Broker(_Section):
    """MQTT broker."""

    host: str = Field("127.0.0.1", title="Host", description="Name or address of the broker.")
    port: int = Field(1883, ge=1, le=65_535, title="Port", description="8883 with TLS.")
    username: str | None = Field(None, title="User name", description="site/kiosk, as the broker's ACL expects.")
    password: SecretStr | None = Field(None, title="Password", description="Of that user; better by environment.")
    tls_ca_file: Path | None = Field(None, title="CA file", description="Turns TLS on; the CA that signed the broker.")
    tls_cert_file: Path | None = Field(None, title="Certificate", description="This kiosk's, if the broker asks.")
    tls_key_file: Path | None = Field(None, title="Key", description="Of that certificate.")


class Hub(_Section):
    """The hub's HTTP side, for images."""

    url: str = Field(
        "http://127.0.0.1:8080", pattern=r"^https?://[^\s]+$", title="Address", description="https in clinic mode."
    )
    token: SecretStr = Field(SecretStr(""), title="Token", description="This kiosk's; `python -m hub token` makes one.")


class Uplink(_Section):
    """Sending and keeping."""

    heartbeat_s: float = Field(15.0, gt=0, le=3600, title="Heartbeat", description="Seconds between signs of life.")
    receipt_timeout_s: float = Field(
        10.0, gt=0, le=600, title="Receipt time-out", description="Seconds until an unreceipted event is sent again."
    )
    keep_days: float = Field(
        30.0, ge=0, le=365, title="Keep delivered", description="Days at most, when no backup watermark passes them."
    )
    quota_bytes: int = Field(
        4 * 1024**3, ge=10**6, title="Quota", description="Delivered images beyond it go, oldest first."
    )
    reserve_bytes: int = Field(
        256 * 1024**2, ge=0, title="Reserve", description="No new visit starts with less free disk than this."
    )


class Screen(_Section):
    """The touch screen's local server."""

    host: Literal["127.0.0.1", "::1"] = Field("127.0.0.1", title="Host", description="Loopback only.")
    port: int = Field(8090, ge=0, le=65_535, title="Port", description="0 picks a free one.")
    idle_s: float = Field(60.0, gt=0, le=3600, title="Idle end", description="Seconds untouched until a visit ends.")
    warn_s: float = Field(
        35.0,
        gt=0,
        le=3600,
        title="Idle warning",
        description="Seconds untouched until the screen asks; at most idle_s.",
    )


class EdgeSettings(BaseSettings):
    """All settings of one kiosk."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", validate_default=True
    )
    toml_file: ClassVar[Path | None] = None

    environment: Literal["demo", "clinic"] = Field(
        "demo", title="Environment", description="clinic refuses every simulated part and unprotected links."
    )
    site: Slug = Field("demo", title="Site", description="Slug of the pharmacy or health post.")
    kiosk: Slug = Field("k1", title="Kiosk", description="Slug of this kiosk, unique within its site.")
    data_dir: Path = Field(Path("build/kiosk"), title="Data folder", description="Outbox, images, keys; back it up.")
    capture: Capture = Field(Capture(), title="Cameras", description="See below.")
    inference: Inference = Field(Inference(), title="Model", description="See below.")
    identity: Identity = Field(Identity(), title="Identity", description="See below.")
    broker: Broker = Field(Broker(), title="Broker", description="See below.")
    hub: Hub = Field(Hub(), title="Hub", description="See below.")
    uplink: Uplink = Field(Uplink(), title="Uplink", description="See below.")
    screen: Screen = Field(Screen(), title="Screen", description="See below.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; nothing else."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls.toml_file)


def load_settings(path: Path | None) -> EdgeSettings:
    """Read the settings file, if any, and the environment.

    Raises:
        SettingsInvalid: names every wrong key, in the file or in the environment, without its value.
    """
    if path is not None and not path.is_file():
        raise SettingsInvalid(f"settings file {path} does not exist")
    unknown = [
        name
        for name in os.environ
        if name.startswith(ENV_PREFIX)
        and name.removeprefix(ENV_PREFIX).split("__")[0].lower() not in EdgeSettings.model_fields
    ]
    if unknown:
        raise SettingsInvalid(f"unknown environment variables: {', '.join(sorted(unknown))}")
    bound: Any = type("EdgeSettings", (EdgeSettings,), {"toml_file": path, "__module__": __name__})
    try:
        settings: EdgeSettings = bound()
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsInvalid(places) from None
    except ValueError as error:  # the TOML reader's own
        raise SettingsInvalid(f"{path}: {error}") from None
    if settings.environment == "clinic":
        _require_protected_links(settings)
    return settings


def _require_protected_links(settings: EdgeSettings) -> None:
    faults = [
        text
        for wrong, text in (
            (settings.broker.tls_ca_file is None, "broker.tls_ca_file: a clinic's broker needs TLS"),
            (settings.broker.username is None, "broker.username: a clinic's broker needs authentication"),
            (not settings.hub.url.startswith("https://"), "hub.url: a clinic's hub needs https"),
        )
        if wrong
    ]
    if faults:
        raise SettingsInvalid("; ".join(faults))
