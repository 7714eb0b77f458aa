-- +goose Up
CREATE TABLE positions (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

-- Times are epoch milliseconds. The time points of a case, t0 to t10, have a column each from the first row on.
CREATE TABLE incidents (
  uid TEXT PRIMARY KEY, headline TEXT NOT NULL, severity BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL,
  first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, alerts BIGINT NOT NULL, accounts TEXT NOT NULL, status TEXT NOT NULL, doc TEXT NOT NULL,
  occurred_at BIGINT, ingested_at BIGINT, created_at BIGINT NOT NULL, acknowledged_at BIGINT, triaged_at BIGINT, declared_at BIGINT,
  scoped_at BIGINT, contained_at BIGINT, eradicated_at BIGINT, recovered_at BIGINT, closed_at BIGINT, updated_at BIGINT NOT NULL, withdrawn_at BIGINT
);
CREATE TABLE alerts (
  uid TEXT PRIMARY KEY, incident_uid TEXT, title TEXT NOT NULL, sentence TEXT NOT NULL, severity BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL,
  rule_id TEXT NOT NULL, rule_hash TEXT NOT NULL, account TEXT NOT NULL, origin TEXT NOT NULL, count BIGINT NOT NULL,
  first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, status TEXT NOT NULL, late BIGINT NOT NULL, doc TEXT NOT NULL,
  occurred_at BIGINT, ingested_at BIGINT, created_at BIGINT NOT NULL, acknowledged_at BIGINT, triaged_at BIGINT, declared_at BIGINT,
  scoped_at BIGINT, contained_at BIGINT, eradicated_at BIGINT, recovered_at BIGINT, closed_at BIGINT, updated_at BIGINT NOT NULL, withdrawn_at BIGINT
);
CREATE INDEX alerts_queue ON alerts (withdrawn_at, severity, last_seen);
CREATE INDEX alerts_incident ON alerts (incident_uid);

CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, object TEXT NOT NULL, record BIGINT NOT NULL, at_byte BIGINT NOT NULL, format TEXT NOT NULL,
  reason TEXT NOT NULL, detail TEXT NOT NULL, raw TEXT NOT NULL, received_at BIGINT NOT NULL, replayed_at BIGINT
);
CREATE INDEX dead_letters_source ON dead_letters (source, received_at);

CREATE TABLE deliveries (
  source TEXT NOT NULL, object TEXT NOT NULL, etag TEXT NOT NULL, records BIGINT NOT NULL, bytes BIGINT NOT NULL, received_at BIGINT NOT NULL,
  PRIMARY KEY (source, object, etag)
);
CREATE TABLE sources (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, settings TEXT NOT NULL, paused BIGINT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE tokens (
  hash TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, accounts TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT
);

-- +goose Down
DROP TABLE tokens;
DROP TABLE sources;
DROP TABLE deliveries;
DROP TABLE dead_letters;
DROP TABLE alerts;
DROP TABLE incidents;
DROP TABLE positions;
