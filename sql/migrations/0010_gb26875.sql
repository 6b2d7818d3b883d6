-- GB/T 26875.3: which transmitters speak it and how, their reports of state, their answers; commands asked for and failed.
SET LOCAL ROLE wanghuo_owner;

CREATE TABLE gb26875_device (
  transmitter_id text COLLATE "C" PRIMARY KEY REFERENCES transmitter,
  address        text COLLATE "C" NOT NULL,
  source_network cidr,
  profile        text NOT NULL DEFAULT 'standard',
  CONSTRAINT gb26875_device_address_form CHECK (address ~ '^[0-9a-f]{12}$'),
  CONSTRAINT gb26875_device_profile_form CHECK (profile ~ '^[a-z0-9_]{1,64}$'),
  CONSTRAINT gb26875_device_one_address UNIQUE NULLS NOT DISTINCT (address, source_network)
);
COMMENT ON TABLE gb26875_device IS 'Transmitters that speak GB/T 26875.3, by their address; the others speak MQTT';
COMMENT ON COLUMN gb26875_device.address IS 'Source address of their frames, six bytes as on the wire, hexadecimal';
COMMENT ON COLUMN gb26875_device.source_network IS 'Where they may come from; null: from anywhere';
COMMENT ON COLUMN gb26875_device.profile IS 'How they depart from the standard: a name of signals.gb26875.profiles';

ALTER TABLE signal
  DROP CONSTRAINT signal_class,
  ADD CONSTRAINT signal_class CHECK (class IN ('signal', 'snapshot', 'reply', 'centre', 'state', 'report')),
  ADD CONSTRAINT signal_state_has_a_point CHECK (class <> 'state' OR point IS NOT NULL);
COMMENT ON COLUMN signal.class IS 'signal, snapshot, reply: of the MQTT profile; state: all conditions of one point, as GB/T 26875.3 reports them;'
  ' report: what it says besides; centre: what the centre itself states';
COMMENT ON COLUMN signal.payload IS 'The object as it came, canonical JSON, or the whole GB/T 26875.3 frame (or the raw bytes of what could not be'
  ' read): evidence';

ALTER TABLE quarantine
  DROP CONSTRAINT quarantine_reason,
  ADD CONSTRAINT quarantine_reason CHECK (reason IN ('topic', 'unknown_transmitter', 'too_large', 'encoding', 'json', 'shape', 'member',
                                                     'metric', 'frame', 'database'));

ALTER TABLE presence
  DROP CONSTRAINT presence_lane,
  ADD CONSTRAINT presence_lane CHECK (lane IN ('signal', 'telemetry', 'gb26875'));
ALTER TABLE presence_day
  DROP CONSTRAINT presence_day_lane,
  ADD CONSTRAINT presence_day_lane CHECK (lane IN ('signal', 'telemetry', 'gb26875'));
ALTER TABLE ingest_uptime
  DROP CONSTRAINT ingest_uptime_lane,
  ADD CONSTRAINT ingest_uptime_lane CHECK (lane IN ('signal', 'telemetry', 'gb26875'));

CREATE TABLE command_request (
  request_id     uuid PRIMARY KEY,
  transmitter_id text COLLATE "C" NOT NULL REFERENCES transmitter,
  name           text NOT NULL,
  content        jsonb NOT NULL DEFAULT '{}',
  requested_by   text NOT NULL,
  requested_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at     timestamptz NOT NULL,
  CONSTRAINT command_request_name CHECK (name IN ('set_clock', 'duty_check', 'query', 'configure', 'initialise')),
  CONSTRAINT command_request_expires_later CHECK (expires_at > requested_at)
);
COMMENT ON TABLE command_request IS 'Commands that an operator asks for; one is taken up when `command` holds its id';
CREATE INDEX command_request_recent ON command_request (requested_at);

ALTER TABLE command
  DROP CONSTRAINT command_name,
  ADD CONSTRAINT command_name CHECK (name IN ('set_clock', 'duty_check', 'query', 'configure', 'initialise')),
  DROP CONSTRAINT command_state,
  ADD CONSTRAINT command_state CHECK (state IN ('due', 'sent', 'answered', 'expired', 'failed')),
  ADD COLUMN confirmed_at timestamptz,
  ADD COLUMN failure text,
  ADD COLUMN latency_seconds double precision GENERATED ALWAYS AS (extract(epoch FROM answered_at - sent_at)::double precision) STORED,
  ADD CONSTRAINT command_failed CHECK ((state = 'failed') = (failure IS NOT NULL));
COMMENT ON COLUMN command.confirmed_at IS 'When the device said that it took the command (GB/T 26875.3 command 3); the answer may come later';
COMMENT ON COLUMN command.latency_seconds IS 'From sending to the answer';
CREATE INDEX command_transmitter ON command (transmitter_id, issued_at);

GRANT INSERT, UPDATE, DELETE ON gb26875_device TO wanghuo_registry;
GRANT INSERT ON command_request TO wanghuo_console;
