-- +goose Up
-- Which alerts name a value, by the hash of the value: an index of what alerts.doc says, made again from it where it lacks an alert.
CREATE TABLE mentions (value_hash TEXT NOT NULL, alert_uid TEXT NOT NULL, PRIMARY KEY (value_hash, alert_uid));
CREATE INDEX mentions_alert ON mentions (alert_uid);

-- Filters that people accepted. What one takes is kept, counted and found; it only does not ask for anybody's time.
CREATE TABLE tunings (
  id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, title TEXT NOT NULL, sigma TEXT NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL,
  proof TEXT NOT NULL, accepted_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, ended_at BIGINT
);
ALTER TABLE alerts ADD COLUMN suppressed_by TEXT NOT NULL DEFAULT '';
CREATE INDEX alerts_suppressed ON alerts (suppressed_by) WHERE suppressed_by <> '';
DROP INDEX alerts_count;
CREATE INDEX alerts_count ON alerts (set_severity, severity, status, assignee, verdict, account, rule_id, withdrawn_at, suppressed_by);

-- +goose Down
DROP INDEX alerts_count;
CREATE INDEX alerts_count ON alerts (set_severity, severity, status, assignee, verdict, account, rule_id, withdrawn_at);
DROP INDEX alerts_suppressed;
ALTER TABLE alerts DROP COLUMN suppressed_by;
DROP TABLE tunings;
DROP TABLE mentions;
