-- What a point's measured values are held to, besides what early warning finds by itself.
SET LOCAL ROLE wanghuo_owner;

ALTER TABLE point
  ADD COLUMN facility text NOT NULL DEFAULT '',
  ADD COLUMN limits   text NOT NULL DEFAULT '',
  ADD CONSTRAINT point_facility CHECK (facility IN ('', 'municipal_hydrant', 'low_rise', 'high_rise', 'high_rise_public',
    'super_high_rise', 'industrial_small', 'industrial')),
  ADD CONSTRAINT point_limits_form CHECK (limits ~ '^([a-z_]+=[0-9.]+( [a-z_]+=[0-9.]+)*)?$');
COMMENT ON COLUMN point.facility IS 'Kind of the building whose fire water it measures (GB 50974); empty: its pressure is held to no figure of the standard';
COMMENT ON COLUMN point.limits IS 'Limits of its own by metric, metric=number, in the metric''s unit; empty: those that everybody has';
