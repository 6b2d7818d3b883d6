-- Who may give orders, and the orders. One writer: console. An order is a request: it is applied when the journal holds its id.
SET LOCAL ROLE wanghuo_owner;

CREATE TABLE operator (
  operator_id text COLLATE "C" PRIMARY KEY,
  name        text NOT NULL,
  CONSTRAINT operator_id_form CHECK (operator_id ~ '^[A-Za-z0-9_.-]{1,64}$')
);

CREATE TABLE operator_action (
  request_id   uuid PRIMARY KEY,
  alarm_id     bigint NOT NULL REFERENCES alarm,
  operator_id  text COLLATE "C" NOT NULL,
  action       text NOT NULL,
  disposition  text,
  cause        text,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT operator_action_action CHECK (action IN ('acknowledge', 'verify', 'close')),
  CONSTRAINT operator_action_disposition CHECK
    ((action = 'verify') = (disposition IS NOT NULL)
     AND disposition IN ('real_fire', 'false_alarm', 'test', 'drill', 'fault_caused', 'unknown')),
  CONSTRAINT operator_action_false_alarm_has_its_cause CHECK (disposition IS DISTINCT FROM 'false_alarm' OR cause <> '')
);
CREATE INDEX operator_action_recent ON operator_action (requested_at);

GRANT INSERT, UPDATE ON operator TO wanghuo_console;
GRANT INSERT ON operator_action TO wanghuo_console;
