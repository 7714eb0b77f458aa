-- +goose Up
-- What people decide about a finding stands beside what Tocsin concludes, and is never overwritten by it. version counts changes by people.
ALTER TABLE incidents ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN verdict_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN set_severity BIGINT;
ALTER TABLE alerts ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN verdict_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN set_severity BIGINT;
CREATE INDEX alerts_updated ON alerts (updated_at);
CREATE INDEX incidents_updated ON incidents (updated_at);

-- A token of before that sees everything was its owner's.
ALTER TABLE tokens ADD COLUMN role TEXT NOT NULL DEFAULT 'viewer';
UPDATE tokens SET role = 'admin' WHERE accounts = '["*"]';

CREATE TABLE activity (
  id TEXT PRIMARY KEY, change_id TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, before TEXT NOT NULL, undone_at BIGINT
);
CREATE INDEX activity_subject ON activity (subject, at);
CREATE INDEX activity_change ON activity (change_id);

-- +goose Down
DROP TABLE activity;
DROP INDEX incidents_updated;
DROP INDEX alerts_updated;
