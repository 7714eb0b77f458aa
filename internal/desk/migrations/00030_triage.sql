-- +goose Up
-- What people decide about a finding stands beside what Tocsin concludes, and is never overwritten by it. version counts changes by
-- people. seq is the place in the order of all changes, by people and by conclusions, which live streams follow.
ALTER TABLE incidents ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN verdict_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN set_severity BIGINT;
ALTER TABLE incidents ADD COLUMN severity_reason TEXT NOT NULL DEFAULT '';
-- merged_into: people told it as a part of that one. more_accounts: of the incidents and alerts that people put in.
ALTER TABLE incidents ADD COLUMN merged_into TEXT;
ALTER TABLE incidents ADD COLUMN more_accounts TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN regrouped BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN verdict_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN set_severity BIGINT;
ALTER TABLE alerts ADD COLUMN severity_reason TEXT NOT NULL DEFAULT '';
-- placed_in: the incident that people put it in, whatever is concluded.
ALTER TABLE alerts ADD COLUMN placed_in TEXT;
CREATE INDEX incidents_seq ON incidents (seq);
CREATE INDEX incidents_merged ON incidents (merged_into);
CREATE INDEX incidents_rank ON incidents (score DESC, last_seen DESC, uid);
CREATE INDEX alerts_seq ON alerts (seq);
CREATE INDEX alerts_placed ON alerts (placed_in);
-- A queue is read in the order of one of these two. No index begins with a column that most rows share: an engine would take it, and sort.
DROP INDEX alerts_queue;
CREATE INDEX alerts_rank ON alerts (score DESC, last_seen DESC, uid) WHERE withdrawn_at IS NULL;
CREATE INDEX alerts_newest ON alerts (last_seen DESC, uid) WHERE withdrawn_at IS NULL;
-- It holds all that a queue is narrowed by: counting reads no row.
CREATE INDEX alerts_count ON alerts (set_severity, severity, status, assignee, verdict, account, rule_id, withdrawn_at);
CREATE INDEX alerts_assignee ON alerts (assignee) WHERE assignee <> '';
CREATE INDEX alerts_rule ON alerts (rule_id);

-- One row: who changes findings writes it first, so that the order of seq is the order in which changes can be seen.
CREATE TABLE live_turn (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);
INSERT INTO live_turn (id, n) VALUES (1, 0);

-- A token of before that sees everything was its owner's: it is one of an admin. All others read, as before.
ALTER TABLE tokens ADD COLUMN role TEXT NOT NULL DEFAULT 'viewer';
ALTER TABLE tokens ADD COLUMN before_roles BIGINT NOT NULL DEFAULT 0;
UPDATE tokens SET role = 'admin', before_roles = 1 WHERE accounts LIKE '%"*"%';

CREATE TABLE activity (
  id TEXT PRIMARY KEY, change_id TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, actor_kind TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, before TEXT NOT NULL, undone_at BIGINT
);
CREATE INDEX activity_subject ON activity (subject, at);
CREATE INDEX activity_change ON activity (change_id);
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, incident TEXT NOT NULL, title TEXT NOT NULL, assignee TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL, done_by TEXT NOT NULL, done_at BIGINT, version BIGINT NOT NULL
);
CREATE INDEX tasks_incident ON tasks (incident, created_at);
CREATE TABLE links (
  id TEXT PRIMARY KEY, incident TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE INDEX links_incident ON links (incident, created_at);
-- Who looks at an incident; a row that is not renewed ends by itself.
CREATE TABLE presence (incident TEXT NOT NULL, who TEXT NOT NULL, stream TEXT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (incident, stream));
-- The answers to writes with an Idempotency-Key; status 0: it is being done.
CREATE TABLE answers (
  id TEXT PRIMARY KEY, request TEXT NOT NULL, status BIGINT NOT NULL, kind TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL, at BIGINT NOT NULL
);
CREATE INDEX answers_at ON answers (at);

-- +goose Down
DROP TABLE answers;
DROP TABLE presence;
DROP TABLE links;
DROP TABLE tasks;
DROP TABLE activity;
ALTER TABLE tokens DROP COLUMN before_roles;
ALTER TABLE tokens DROP COLUMN role;
DROP TABLE live_turn;
DROP INDEX alerts_rule;
DROP INDEX alerts_assignee;
DROP INDEX alerts_count;
DROP INDEX alerts_newest;
DROP INDEX alerts_rank;
CREATE INDEX alerts_queue ON alerts (withdrawn_at, severity, last_seen);
DROP INDEX alerts_placed;
DROP INDEX alerts_seq;
DROP INDEX incidents_rank;
DROP INDEX incidents_merged;
DROP INDEX incidents_seq;
ALTER TABLE alerts DROP COLUMN placed_in;
ALTER TABLE alerts DROP COLUMN severity_reason;
ALTER TABLE alerts DROP COLUMN set_severity;
ALTER TABLE alerts DROP COLUMN verdict_reason;
ALTER TABLE alerts DROP COLUMN verdict;
ALTER TABLE alerts DROP COLUMN assignee;
ALTER TABLE alerts DROP COLUMN seq;
ALTER TABLE alerts DROP COLUMN version;
ALTER TABLE incidents DROP COLUMN regrouped;
ALTER TABLE incidents DROP COLUMN more_accounts;
ALTER TABLE incidents DROP COLUMN merged_into;
ALTER TABLE incidents DROP COLUMN severity_reason;
ALTER TABLE incidents DROP COLUMN set_severity;
ALTER TABLE incidents DROP COLUMN verdict_reason;
ALTER TABLE incidents DROP COLUMN verdict;
ALTER TABLE incidents DROP COLUMN assignee;
ALTER TABLE incidents DROP COLUMN seq;
ALTER TABLE incidents DROP COLUMN version;
