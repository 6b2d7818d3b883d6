"""What ingest reads from the environment."""

from pydantic import Field

from runtime.settings import BrokerSettings, Settings


class StoreSettings(Settings):
    """What everything needs that stores facts."""

    ingest_database_url: str = Field(description="PostgreSQL URL of the role wanghuo_ingest", pattern=r"^postgres(ql)?://\S+$")


class IngestSettings(BrokerSettings, StoreSettings):
    """Of both lanes."""

    ingest_broker_password: str = Field(description="password of the broker user wanghuo/v1", min_length=1, repr=False)
    ingest_byte_budget: int = Field(
        default=16 * 1024 * 1024, ge=1024 * 1024, description="bytes of payload of a lane held unacknowledged"
    )


class SignalSettings(IngestSettings):
    """Of the signal lane."""

    ingest_signal_receive_maximum: int = Field(
        default=4000, ge=10, le=65_535, description="messages of the signal lane held unacknowledged"
    )
    ingest_signal_http_port: int = Field(default=9101, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")


class TelemetrySettings(IngestSettings):
    """Of the telemetry lane."""

    ingest_telemetry_receive_maximum: int = Field(
        default=60_000, ge=10, le=65_535, description="messages of the telemetry lane held unacknowledged"
    )
    ingest_telemetry_http_port: int = Field(default=9102, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")


class Gb26875Settings(StoreSettings):
    """Of the server for GB/T 26875.3. Time-out and repeats after 6.5."""

    gb26875_host: str = Field(default="127.0.0.1", description="address on which devices reach the server, TCP and UDP")
    gb26875_tcp_port: int = Field(default=26875, ge=1, le=65_535, description="TCP port for devices")
    gb26875_udp_port: int = Field(default=26875, ge=1, le=65_535, description="UDP port for devices")
    gb26875_timeout_seconds: float = Field(default=10, gt=0, le=10, description="so long a device has to answer a command")
    gb26875_repeats: int = Field(default=3, ge=0, le=10, description="times that a command without answer is repeated")
    gb26875_idle_seconds: float = Field(default=1800, ge=1, description="silence after which a connection is ended")
    gb26875_connections_maximum: int = Field(default=5000, ge=1, description="TCP connections at once")
    gb26875_host_connections_maximum: int = Field(default=2000, ge=1, description="TCP connections at once of one IP address")
    ingest_gb26875_http_port: int = Field(default=9107, ge=1, le=65_535, description="port of /metrics, /healthz and /readyz")
