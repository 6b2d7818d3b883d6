-- Hand-over from conclusions to the topic of alarms: written in the transaction of the conclusion, deleted once the broker has it.
-- One writer: alerts. village_id null: the alarm's transmitter is in no village (topic wanghuo/out/v1/alarm/_unassigned).
SET LOCAL ROLE wanghuo_owner;

CREATE TABLE alarm_publication (
  publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id       uuid NOT NULL DEFAULT gen_random_uuid(),
  alarm_id       bigint NOT NULL REFERENCES alarm,
  priority       smallint NOT NULL,
  village_id     text COLLATE "C",
  content        jsonb NOT NULL,
  CONSTRAINT alarm_publication_priority CHECK (priority BETWEEN 0 AND 3)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON COLUMN alarm_publication.event_id IS 'The receiver may see it twice, and can tell';
CREATE INDEX alarm_publication_next ON alarm_publication (priority, publication_id);

GRANT INSERT, DELETE ON alarm_publication TO wanghuo_alerts;
-- Ids are drawn before the rows are written: journal, notifications and publications are written in the same breath.
GRANT USAGE ON SEQUENCE alarm_alarm_id_seq TO wanghuo_alerts;
