-- +goose Up
-- What the ledger is told of each object: its hash as delivered, the hash of what was packed in it, and when its leaf was written.
ALTER TABLE deliveries ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN content TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN ledgered_at BIGINT;
CREATE INDEX deliveries_name ON deliveries (name);
CREATE INDEX deliveries_ledgered ON deliveries (ledgered_at);

-- CloudTrail digest files. verdict is what the ledger was told last; '' is none yet.
CREATE TABLE digests (
  content TEXT PRIMARY KEY, source TEXT NOT NULL, object TEXT NOT NULL, signature TEXT NOT NULL, raw TEXT NOT NULL, received_at BIGINT NOT NULL,
  verdict TEXT NOT NULL, reason TEXT NOT NULL, judged_at BIGINT
);

-- +goose Down
DROP TABLE digests;
DROP INDEX deliveries_ledgered;
DROP INDEX deliveries_name;
ALTER TABLE deliveries DROP COLUMN ledgered_at;
ALTER TABLE deliveries DROP COLUMN name;
ALTER TABLE deliveries DROP COLUMN content;
ALTER TABLE deliveries DROP COLUMN sha256;
