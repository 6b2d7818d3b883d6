"""What ingest reads from the environment."""

from pydantic import Field

from runtime.settings import BrokerSettings


class IngestSettings(BrokerSettings):
    """Of both lanes."""

    ingest_database_url: str = Field(description="PostgreSQL URL of the role wanghuo_ingest", pattern=r"^postgres(ql)?://\S+$")
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
