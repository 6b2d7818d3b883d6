-- What early warning remembers, in blocks of points; how sensitive officers want points to be.
SET LOCAL ROLE wanghuo_owner;

CREATE TABLE early_warning_block (
  block      integer PRIMARY KEY,
  packed     bytea NOT NULL,
  stored_at  timestamptz NOT NULL,
  CONSTRAINT early_warning_block_number CHECK (block >= 0)
);
ALTER TABLE early_warning_block ALTER COLUMN packed SET STORAGE EXTERNAL;
COMMENT ON TABLE early_warning_block IS 'States of the early-warning engine, stored together with the deletion of the batches that made them';
COMMENT ON COLUMN early_warning_block.packed IS 'Layout: alerts.early_warning.blocks';

CREATE TABLE point_sensitivity (
  order_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transmitter_id text COLLATE "C" NOT NULL REFERENCES transmitter,
  point          text COLLATE "C" NOT NULL,
  sensitivity    double precision NOT NULL,
  reason         text NOT NULL,
  ordered_by     text NOT NULL,
  ordered_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at     timestamptz NOT NULL,
  CONSTRAINT point_sensitivity_range CHECK (sensitivity BETWEEN 0.2 AND 1),
  CONSTRAINT point_sensitivity_has_its_reason CHECK (reason <> ''),
  CONSTRAINT point_sensitivity_expires CHECK (expires_at > ordered_at AND expires_at <= ordered_at + interval '90 days')
);
CREATE INDEX point_sensitivity_newest ON point_sensitivity (transmitter_id, point, order_id);
CREATE INDEX point_sensitivity_expiring ON point_sensitivity (expires_at);
COMMENT ON TABLE point_sensitivity IS 'Orders of officers, never changed: a point warns early with less or, by a later order, again with ordinary sensitivity';
COMMENT ON COLUMN point_sensitivity.sensitivity IS '1: ordinary; 0.5: what is enough for an early warning is twice as much. Fixed thresholds and alarms of devices are not touched';

GRANT INSERT, UPDATE ON early_warning_block TO wanghuo_alerts;
GRANT INSERT ON point_sensitivity TO wanghuo_console;
CREATE INDEX alarm_verified_false ON alarm (verified_at) WHERE disposition = 'false_alarm';
