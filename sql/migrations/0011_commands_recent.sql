-- Commands are listed newest first, and asked for in the order they were issued.
SET LOCAL ROLE wanghuo_owner;

CREATE INDEX command_recent ON command (issued_at);
CREATE INDEX command_duty_check ON command (transmitter_id, sent_at) WHERE name = 'duty_check' AND state IN ('sent', 'expired');
COMMENT ON COLUMN command.requested_by IS 'The operator who asked; `centre`: asked for by the clock';
