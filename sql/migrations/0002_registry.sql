-- Who must be connected. One writer: registry.
SET LOCAL ROLE wanghuo_owner;

CREATE TABLE village (
  village_id text COLLATE "C" PRIMARY KEY,
  name       text NOT NULL,
  CONSTRAINT village_id_form CHECK (village_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  CONSTRAINT village_name_present CHECK (name <> '')
);

-- The dated register: a unit is a key unit on a day d when listed_on <= d and (delisted_on is null or d < delisted_on).
CREATE TABLE key_unit (
  key_unit_id      text COLLATE "C" PRIMARY KEY,
  village_id       text COLLATE "C" NOT NULL REFERENCES village,
  name             text NOT NULL,
  category         text NOT NULL DEFAULT '',
  address          text NOT NULL DEFAULT '',
  telephone        text NOT NULL DEFAULT '',
  has_control_room boolean NOT NULL,
  listed_on        date NOT NULL,
  delisted_on      date,
  CONSTRAINT key_unit_id_form CHECK (key_unit_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  CONSTRAINT key_unit_name_present CHECK (name <> ''),
  CONSTRAINT key_unit_dates_in_order CHECK (delisted_on IS NULL OR delisted_on >= listed_on)
);
CREATE INDEX key_unit_village ON key_unit (village_id);

-- A transmitter may stand outside any key unit (a family workshop); its village is then its own.
CREATE TABLE transmitter (
  transmitter_id text COLLATE "C" PRIMARY KEY,
  key_unit_id    text COLLATE "C" REFERENCES key_unit,
  village_id     text COLLATE "C" NOT NULL REFERENCES village,
  class          text NOT NULL,
  name           text NOT NULL DEFAULT '',
  place          text NOT NULL DEFAULT '',
  path           text NOT NULL DEFAULT '',
  contracted_on  date,
  installed_on   date,
  accepted_on    date,
  withdrawn_on   date,
  enrolled_at    timestamptz,
  CONSTRAINT transmitter_id_form CHECK (transmitter_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  CONSTRAINT transmitter_class CHECK (class IN ('control_room', 'detector', 'sleepy', 'bridge')),
  CONSTRAINT transmitter_withdrawn_after_accepted CHECK (withdrawn_on IS NULL OR accepted_on IS NULL OR withdrawn_on >= accepted_on)
);
COMMENT ON COLUMN transmitter.path IS 'What it shares with others on its way to us (a carrier, a router, a bridge): their silence together is one alarm';
CREATE INDEX transmitter_key_unit ON transmitter (key_unit_id);
CREATE INDEX transmitter_village ON transmitter (village_id);

-- registered = false: seen in a signal before anybody wrote it into the register.
CREATE TABLE point (
  transmitter_id text COLLATE "C" NOT NULL REFERENCES transmitter,
  point          text COLLATE "C" NOT NULL,
  name           text NOT NULL DEFAULT '',
  place          text NOT NULL DEFAULT '',
  zone           text NOT NULL DEFAULT '',
  registered     boolean NOT NULL DEFAULT true,
  PRIMARY KEY (transmitter_id, point),
  CONSTRAINT point_length CHECK (length(point) <= 64)
);

-- The connection ratio as measured: one row for the township (village_id null) and one for every village.
CREATE TABLE connection_snapshot (
  snapshot_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  on_date             date NOT NULL,
  taken_at            timestamptz NOT NULL,
  occasion            text NOT NULL,
  definition_version  integer NOT NULL,
  lapse_days          integer NOT NULL,
  CONSTRAINT connection_snapshot_occasion CHECK (occasion IN ('daily', 'on_demand')),
  CONSTRAINT connection_snapshot_lapse CHECK (lapse_days > 0)
);
CREATE UNIQUE INDEX connection_snapshot_one_daily ON connection_snapshot (on_date, definition_version, lapse_days)
  WHERE occasion = 'daily';

-- The evidence: why each unit counted, so that the figure can be checked by hand.
CREATE TABLE connection_snapshot_unit (
  snapshot_id      bigint NOT NULL REFERENCES connection_snapshot,
  key_unit_id      text COLLATE "C" NOT NULL,
  village_id       text COLLATE "C" NOT NULL,
  has_control_room boolean NOT NULL,
  connected        boolean NOT NULL,
  online           boolean NOT NULL,
  reason           text NOT NULL,
  transmitter_id   text COLLATE "C",
  last_heard_at    timestamptz,
  PRIMARY KEY (snapshot_id, key_unit_id),
  CONSTRAINT connection_snapshot_unit_reason CHECK
    (reason IN ('connected', 'no_transmitter', 'not_accepted', 'withdrawn', 'never_heard', 'lapsed'))
);

GRANT INSERT, UPDATE, DELETE ON village, key_unit, transmitter, point TO wanghuo_registry;
GRANT INSERT ON connection_snapshot, connection_snapshot_unit TO wanghuo_registry;
