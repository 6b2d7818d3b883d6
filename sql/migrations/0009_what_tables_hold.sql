-- What every table holds, for docs/schema.md and for whoever looks into the database.
SET LOCAL ROLE wanghuo_owner;

COMMENT ON TABLE village IS 'Administrative villages, the level at which the plan is reported';
COMMENT ON TABLE key_unit IS 'The dated register: a key unit on day d where listed_on <= d and (delisted_on is null or d < delisted_on)';
COMMENT ON TABLE transmitter IS 'What holds a connection to us; outside any key unit (a family workshop) its village is its own';
COMMENT ON TABLE point IS 'Addressable parts behind a transmitter; registered = false: named by a signal before anybody wrote it down';
COMMENT ON TABLE connection_snapshot IS 'The connection ratio as measured: one a day, and on demand';
COMMENT ON TABLE connection_snapshot_unit IS 'The evidence of a snapshot: why each key unit counted, so that the figure can be checked by hand';
COMMENT ON TABLE signal IS 'Every object of the signal lane, and what the centre itself states about a message (class centre); never changed';
COMMENT ON TABLE signal_inbox IS 'Hand-over to alerts: inserted in the transaction of the signal, deleted in the transaction of the conclusion';
COMMENT ON TABLE telemetry IS 'One row for every telemetry object, a column for every metric, in the order of signals.metrics; a hypertable';
COMMENT ON TABLE telemetry_inbox IS 'Hand-over to early warning: one packed row for every batch (signals.packing), in the transaction of the facts';
COMMENT ON TABLE presence IS 'Last sign of life by lane; point "" is the transmitter, others are devices behind a bridge; lags by at most 10 s';
COMMENT ON TABLE presence_day IS 'Signs of life by day (Asia/Shanghai) and lane; bit m of minutes: something valid came in minute m';
COMMENT ON TABLE sequence_head IS 'The span of seq seen of one class and boot';
COMMENT ON TABLE sequence_gap IS 'Ranges of seq missing inside that span: open, then filled or unrecoverable';
COMMENT ON TABLE quarantine IS 'What could not be taken, with its bytes and the reason; bounded: the oldest are deleted';
COMMENT ON TABLE ingest_uptime IS 'When each lane could hear: everything that reached the broker within a span is stored; outages are between the rows';
COMMENT ON TABLE condition IS 'The last word applied about a condition, alarm or not: an older one has no effect';
COMMENT ON TABLE alarm IS 'Stateful records that ask a person for a timely response; one open alarm a (transmitter, point, kind, raw_kind)';
COMMENT ON TABLE alarm_journal IS 'What happened, to which effect, and by whom; append-only, even for its writer';
COMMENT ON TABLE alarm_publication IS 'Hand-over to the topics of alarms: written with the conclusion, deleted once the broker has it';
COMMENT ON TABLE notification IS 'Messages owed to persons; notification_id is stable: the receiver may see it twice, and can tell';
COMMENT ON TABLE command IS 'Commands owed to transmitters, and their answers';
COMMENT ON TABLE operator IS 'Who may give orders';
COMMENT ON TABLE operator_action IS 'Orders: requests that are applied when the journal holds their id';
COMMENT ON VIEW alarm_at_place IS 'Alarms with the names of their place, for people''s eyes';

COMMENT ON COLUMN telemetry."time" IS 'The device''s clock where it lies in 2024–2040, else 2000-01-01: redelivered, a reading finds its own chunk';
COMMENT ON COLUMN signal.origin_key IS 'Digest of class, boot, seq and content: a re-send finds its own row, a counter that starts anew does not';
COMMENT ON COLUMN signal.defects IS 'What was wrong with members that the object could be read without';
COMMENT ON COLUMN notification.occasion IS 'Number of the annunciation of its alarm: raised, then every re-alarm';
COMMENT ON COLUMN quarantine.payload IS 'The object or payload; of one above 256 KiB the first 4 KiB, with length and digest beside it';
