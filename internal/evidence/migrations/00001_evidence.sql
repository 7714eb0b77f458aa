-- +goose Up
-- Times are epoch milliseconds. Accounts stand with spaces around each, as in the desk; '-' is data without an account.
CREATE TABLE evidence_sets (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, incident TEXT NOT NULL, accounts TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  held_at BIGINT, held_by TEXT NOT NULL, held_why TEXT NOT NULL, deleted_at BIGINT, verified_at BIGINT, problem TEXT NOT NULL
);
CREATE INDEX evidence_sets_incident ON evidence_sets (incident);
-- leaf and seal are there once the ledger holds the capture.
CREATE TABLE evidence_captures (
  set_id TEXT NOT NULL, n BIGINT NOT NULL, manifest TEXT NOT NULL, at BIGINT NOT NULL, items BIGINT NOT NULL, bytes BIGINT NOT NULL,
  leaf BIGINT, seal TEXT NOT NULL, PRIMARY KEY (set_id, n)
);
-- Which files of the vault a capture needs.
CREATE TABLE evidence_blobs (
  set_id TEXT NOT NULL, n BIGINT NOT NULL, sha256 TEXT NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY (set_id, n, sha256)
);
CREATE INDEX evidence_blobs_sha256 ON evidence_blobs (sha256);
-- line is kept to the byte: its hash stands in the next.
CREATE TABLE evidence_custody (set_id TEXT NOT NULL, n BIGINT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (set_id, n));

-- +goose Down
DROP TABLE evidence_custody;
DROP TABLE evidence_blobs;
DROP TABLE evidence_captures;
DROP TABLE evidence_sets;
