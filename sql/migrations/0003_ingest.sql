-- Facts. One writer: ingest. What was written here is never changed, but for presence, gaps and uptime, which grow.
SET LOCAL ROLE wanghuo_owner;

-- Every object of the signal lane, and what the centre itself states about a message (class 'centre').
-- origin_key: digest of class, boot, seq and content, so that a re-send finds its own row and a counter that starts anew does not.
CREATE TABLE signal (
  transmitter_id  text COLLATE "C" NOT NULL,
  origin_key      bytea NOT NULL,
  class           text NOT NULL,
  boot            bigint,
  seq             bigint,
  point           text COLLATE "C",
  kind            text COLLATE "C",
  raw_kind        text COLLATE "C" NOT NULL DEFAULT '',
  active          boolean,
  detail          jsonb NOT NULL DEFAULT '{}',
  defects         text[] NOT NULL DEFAULT '{}',
  occurred_at     timestamptz NOT NULL,
  occurred_source text NOT NULL,
  at_text         text,
  received_at     timestamptz NOT NULL,
  stored_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  payload         bytea NOT NULL,
  PRIMARY KEY (transmitter_id, origin_key),
  CONSTRAINT signal_origin_key_length CHECK (octet_length(origin_key) = 16),
  CONSTRAINT signal_class CHECK (class IN ('signal', 'snapshot', 'reply', 'centre')),
  CONSTRAINT signal_has_a_condition CHECK
    ((class IN ('signal', 'centre')) = (kind IS NOT NULL AND point IS NOT NULL AND active IS NOT NULL)),
  CONSTRAINT signal_raw_kind_of_unclassified CHECK ((kind = 'unclassified') = (raw_kind <> '') OR kind IS NULL),
  CONSTRAINT signal_occurred_source CHECK (occurred_source IN ('device', 'received'))
);
COMMENT ON COLUMN signal.raw_kind IS 'The device''s own word where kind is unclassified; else empty';
COMMENT ON COLUMN signal.payload IS 'The object as it came, canonical JSON (or the raw bytes of what could not be read): evidence';
CREATE INDEX signal_counter ON signal (transmitter_id, class, boot, seq);
CREATE INDEX signal_received ON signal (received_at);

-- Hand-over to alerts: inserted in the transaction of the signal, deleted in the transaction of the conclusion.
CREATE TABLE signal_inbox (
  inbox_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  priority       smallint NOT NULL,
  transmitter_id text COLLATE "C" NOT NULL,
  origin_key     bytea NOT NULL,
  CONSTRAINT signal_inbox_priority CHECK (priority IN (0, 1))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON COLUMN signal_inbox.priority IS '0 = fire kinds, before everything else (GB 26875.1-2011 4.1.2.3); 1 = the rest';
CREATE INDEX signal_inbox_next ON signal_inbox (priority, inbox_id);

-- One row for every telemetry object, a column for every metric of signals.metrics, in its order.
-- "time" depends on the message alone (redelivered, it must find its own chunk): the device's clock where that lies in 2024–2040,
-- else 2000-01-01, and received_at is then the only time there is.
CREATE TABLE telemetry (
  "time"                     timestamptz NOT NULL,
  transmitter_id             text COLLATE "C" NOT NULL,
  point                      text COLLATE "C" NOT NULL,
  boot                       bigint NOT NULL,
  seq                        bigint NOT NULL,
  digest                     bigint NOT NULL,
  received_at                timestamptz NOT NULL,
  at_text                    text,
  temperature_celsius        double precision,
  smoke_obscuration_db_per_m double precision,
  co_ppm                     double precision,
  hydrogen_ppm               double precision,
  gas_lel_ratio              double precision,
  humidity_ratio             double precision,
  residual_current_ma        double precision,
  cable_temperature_celsius  double precision,
  voltage_volts              double precision,
  current_amperes            double precision,
  power_watts                double precision,
  water_pressure_mpa         double precision,
  water_level_m              double precision,
  flow_l_per_s               double precision,
  tilt_degrees               double precision,
  battery_volts              double precision,
  battery_ratio              double precision,
  rssi_dbm                   double precision,
  rsrp_dbm                   double precision,
  sinr_db                    double precision
);
COMMENT ON COLUMN telemetry.digest IS 'xxh3-64 of the object''s content: the same counter with another content is another fact';
SELECT create_hypertable('telemetry', 'time', chunk_time_interval => interval '7 days', create_default_indexes => false);
CREATE UNIQUE INDEX telemetry_once ON telemetry (transmitter_id, "time", boot, seq, digest);

-- Hand-over to early warning: one packed row for every batch (signals.packing), in the transaction of the facts.
CREATE TABLE telemetry_inbox (
  inbox_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL,
  readings    integer NOT NULL,
  packed      bytea NOT NULL,
  CONSTRAINT telemetry_inbox_readings CHECK (readings > 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE telemetry_inbox ALTER COLUMN packed SET STORAGE EXTERNAL;

-- Last sign of life, by lane so that the lanes never wait for each other; point '' is the transmitter, others are devices behind a
-- bridge. A row lags the newest message by at most 10 s: it is written in the transaction of the fact, but not for every fact.
CREATE TABLE presence (
  transmitter_id       text COLLATE "C" NOT NULL,
  point                text COLLATE "C" NOT NULL DEFAULT '',
  lane                 text NOT NULL,
  last_heard_at        timestamptz NOT NULL,
  clock_offset_seconds double precision,
  interval_seconds     integer,
  heartbeat            jsonb,
  status_online        boolean,
  status_at            timestamptz,
  PRIMARY KEY (transmitter_id, point, lane),
  CONSTRAINT presence_lane CHECK (lane IN ('signal', 'telemetry')),
  CONSTRAINT presence_interval CHECK (interval_seconds BETWEEN 1 AND 604800)
) WITH (fillfactor = 70);
COMMENT ON COLUMN presence.clock_offset_seconds IS 'Receive time minus device clock, the least of the last live messages; replays are left out';

-- A day is a day in Asia/Shanghai. minutes: bit m is set when something valid came in minute m of the day.
CREATE TABLE presence_day (
  transmitter_id text COLLATE "C" NOT NULL,
  day            date NOT NULL,
  lane           text NOT NULL,
  first_heard_at timestamptz NOT NULL,
  last_heard_at  timestamptz NOT NULL,
  minutes        bit(1440) NOT NULL,
  messages       bigint NOT NULL,
  PRIMARY KEY (transmitter_id, day, lane),
  CONSTRAINT presence_day_lane CHECK (lane IN ('signal', 'telemetry')),
  CONSTRAINT presence_day_in_order CHECK (first_heard_at <= last_heard_at)
) WITH (fillfactor = 70);
COMMENT ON COLUMN presence_day.messages IS 'Messages heard; those of the last 10 s before a crash may be missing';

-- The span of seq seen of one boot, and the ranges missing inside it.
CREATE TABLE sequence_head (
  transmitter_id text COLLATE "C" NOT NULL,
  class          text NOT NULL,
  boot           bigint NOT NULL,
  first_seq      bigint NOT NULL,
  last_seq       bigint NOT NULL,
  PRIMARY KEY (transmitter_id, class, boot),
  CONSTRAINT sequence_head_class CHECK (class IN ('signal', 'snapshot', 'reply')),
  CONSTRAINT sequence_head_in_order CHECK (first_seq <= last_seq)
);
CREATE TABLE sequence_gap (
  transmitter_id text COLLATE "C" NOT NULL,
  class          text NOT NULL,
  boot           bigint NOT NULL,
  first_seq      bigint NOT NULL,
  last_seq       bigint NOT NULL,
  state          text NOT NULL DEFAULT 'open',
  found_at       timestamptz NOT NULL,
  asked_times    smallint NOT NULL DEFAULT 0,
  asked_at       timestamptz,
  closed_at      timestamptz,
  PRIMARY KEY (transmitter_id, class, boot, first_seq),
  CONSTRAINT sequence_gap_class CHECK (class IN ('signal', 'snapshot', 'reply')),
  CONSTRAINT sequence_gap_in_order CHECK (first_seq <= last_seq),
  CONSTRAINT sequence_gap_state CHECK (state IN ('open', 'filled', 'unrecoverable')),
  CONSTRAINT sequence_gap_asked CHECK (asked_times BETWEEN 0 AND 3 AND (asked_times = 0) = (asked_at IS NULL)),
  CONSTRAINT sequence_gap_closed CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX sequence_gap_open ON sequence_gap (asked_times, asked_at) WHERE state = 'open';

-- What could not be taken, with its bytes and the reason. Bounded: ingest deletes the oldest.
CREATE TABLE quarantine (
  quarantine_key bytea PRIMARY KEY,
  received_at    timestamptz NOT NULL,
  topic          text NOT NULL,
  transmitter_id text COLLATE "C",
  class          text,
  reason         text NOT NULL,
  detail         text NOT NULL,
  item           integer,
  boot           bigint,
  seq            bigint,
  payload        bytea NOT NULL,
  payload_length bigint NOT NULL,
  payload_digest bytea NOT NULL,
  CONSTRAINT quarantine_key_length CHECK (octet_length(quarantine_key) = 16),
  CONSTRAINT quarantine_reason CHECK (reason IN ('topic', 'unknown_transmitter', 'too_large', 'encoding', 'json', 'shape', 'member',
                                                 'metric', 'database')),
  CONSTRAINT quarantine_payload_bounded CHECK (octet_length(payload) <= 262144)
);
CREATE INDEX quarantine_received ON quarantine (received_at);
CREATE INDEX quarantine_transmitter ON quarantine (transmitter_id, received_at);

-- When each lane could hear: everything that reached the broker within (up_from, heard_until) is stored. A lane proves it by a probe that
-- travels behind the devices' messages through the broker and is committed: outages of ours, the broker's and the database's are the
-- spans between the rows.
CREATE TABLE ingest_uptime (
  lane        text NOT NULL,
  up_from     timestamptz NOT NULL,
  heard_until timestamptz NOT NULL,
  PRIMARY KEY (lane, up_from),
  CONSTRAINT ingest_uptime_lane CHECK (lane IN ('signal', 'telemetry')),
  CONSTRAINT ingest_uptime_in_order CHECK (up_from <= heard_until)
);

GRANT INSERT ON signal, signal_inbox, telemetry, telemetry_inbox TO wanghuo_ingest;
GRANT INSERT, UPDATE ON presence, presence_day, sequence_head, sequence_gap, ingest_uptime TO wanghuo_ingest;
GRANT INSERT, DELETE ON quarantine TO wanghuo_ingest;
