-- GB 25201-2010 5.3: the cause of a false alarm is recorded. An absent cause (null) passed the first form of this check.
SET LOCAL ROLE wanghuo_owner;

ALTER TABLE operator_action
  DROP CONSTRAINT operator_action_false_alarm_has_its_cause,
  ADD CONSTRAINT operator_action_false_alarm_has_its_cause CHECK (disposition IS DISTINCT FROM 'false_alarm' OR coalesce(cause, '') <> '');
