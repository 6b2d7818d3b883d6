-- Conclusions. One writer: alerts.
SET LOCAL ROLE wanghuo_owner;

-- The last word applied about a condition, alarm or not: an older one has no effect.
CREATE TABLE condition (
  transmitter_id text COLLATE "C" NOT NULL,
  point          text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  raw_kind       text COLLATE "C" NOT NULL DEFAULT '',
  boot           bigint,
  seq            bigint,
  occurred_at    timestamptz NOT NULL,
  received_at    timestamptz NOT NULL,
  active         boolean NOT NULL,
  PRIMARY KEY (transmitter_id, point, kind, raw_kind)
);

CREATE TABLE alarm (
  alarm_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transmitter_id   text COLLATE "C" NOT NULL,
  point            text COLLATE "C" NOT NULL,
  kind             text COLLATE "C" NOT NULL,
  raw_kind         text COLLATE "C" NOT NULL DEFAULT '',
  behaviour        text NOT NULL,
  priority         smallint NOT NULL,
  village_id       text COLLATE "C",
  key_unit_id      text COLLATE "C",
  registered       boolean NOT NULL,
  device_active    boolean NOT NULL,
  handling         text NOT NULL DEFAULT 'open',
  reason           text NOT NULL DEFAULT '',
  detail           jsonb NOT NULL DEFAULT '{}',
  occurred_at      timestamptz NOT NULL,
  received_at      timestamptz NOT NULL,
  raised_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at       timestamptz NOT NULL,
  occurrences      integer NOT NULL DEFAULT 1,
  re_alarms        integer NOT NULL DEFAULT 0,
  acknowledged_at  timestamptz,
  acknowledged_by  text,
  verified_at      timestamptz,
  verified_by      text,
  disposition      text,
  cause            text,
  closed_at        timestamptz,
  closed_by        text,
  CONSTRAINT alarm_behaviour CHECK (behaviour IN ('latching', 'self_restoring')),
  CONSTRAINT alarm_handling CHECK (handling IN ('open', 'acknowledged', 'verified', 'closed')),
  CONSTRAINT alarm_priority CHECK (priority BETWEEN 0 AND 3),
  CONSTRAINT alarm_counts CHECK (occurrences >= 1 AND re_alarms >= 0),
  CONSTRAINT alarm_acknowledged CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
  CONSTRAINT alarm_verified CHECK ((verified_at IS NULL) = (verified_by IS NULL) AND (verified_at IS NULL) = (disposition IS NULL)),
  CONSTRAINT alarm_closed CHECK ((handling = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_by IS NULL)),
  CONSTRAINT alarm_handling_has_its_person CHECK
    ((handling <> 'acknowledged' OR acknowledged_at IS NOT NULL) AND (handling <> 'verified' OR verified_at IS NOT NULL)),
  CONSTRAINT alarm_latching_closed_by_a_person CHECK (handling <> 'closed' OR behaviour <> 'latching' OR closed_by <> 'device'),
  CONSTRAINT alarm_disposition CHECK (disposition IN ('real_fire', 'false_alarm', 'test', 'drill', 'fault_caused', 'unknown'))
);
CREATE UNIQUE INDEX alarm_one_open ON alarm (transmitter_id, point, kind, raw_kind) WHERE handling <> 'closed';
CREATE INDEX alarm_open ON alarm (priority, raised_at) WHERE handling <> 'closed';
CREATE INDEX alarm_raised ON alarm (raised_at);

CREATE TABLE alarm_journal (
  journal_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alarm_id       bigint REFERENCES alarm,
  transmitter_id text COLLATE "C" NOT NULL,
  at             timestamptz NOT NULL,
  event          text NOT NULL,
  actor          text NOT NULL,
  effect         text NOT NULL,
  detail         jsonb NOT NULL DEFAULT '{}',
  origin_key     bytea,
  request_id     uuid UNIQUE
);
CREATE INDEX alarm_journal_alarm ON alarm_journal (alarm_id, journal_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER alarm_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_journal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A message owed to a person. notification_id is stable: the receiver may see it twice, and can tell.
CREATE TABLE notification (
  notification_id uuid PRIMARY KEY,
  alarm_id        bigint NOT NULL REFERENCES alarm,
  occasion        integer NOT NULL,
  recipient       text NOT NULL,
  title           text NOT NULL,
  body            text NOT NULL,
  state           text NOT NULL DEFAULT 'due',
  attempts        integer NOT NULL DEFAULT 0,
  due_at          timestamptz NOT NULL,
  leased_until    timestamptz,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at         timestamptz,
  last_error      text,
  UNIQUE (alarm_id, occasion, recipient),
  CONSTRAINT notification_state CHECK (state IN ('due', 'sent', 'given_up')),
  CONSTRAINT notification_sent CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX notification_due ON notification (due_at) WHERE state = 'due';

CREATE TABLE command (
  command_id     uuid PRIMARY KEY,
  transmitter_id text COLLATE "C" NOT NULL,
  name           text NOT NULL,
  content        jsonb NOT NULL DEFAULT '{}',
  state          text NOT NULL DEFAULT 'due',
  requested_by   text NOT NULL,
  issued_at      timestamptz NOT NULL,
  expires_at     timestamptz NOT NULL,
  sent_at        timestamptz,
  answered_at    timestamptz,
  answer         jsonb,
  CONSTRAINT command_name CHECK (name IN ('set_clock', 'duty_check', 'query', 'configure')),
  CONSTRAINT command_state CHECK (state IN ('due', 'sent', 'answered', 'expired')),
  CONSTRAINT command_answered CHECK ((state = 'answered') = (answered_at IS NOT NULL)),
  CONSTRAINT command_expires_later CHECK (expires_at > issued_at)
);
CREATE INDEX command_open ON command (expires_at) WHERE state IN ('due', 'sent');

GRANT INSERT, UPDATE ON condition, alarm, notification, command TO wanghuo_alerts;
GRANT INSERT ON alarm_journal TO wanghuo_alerts;
GRANT DELETE, UPDATE ON signal_inbox, telemetry_inbox TO wanghuo_alerts;
