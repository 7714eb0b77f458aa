-- +goose Up
-- What a digest file says of itself, so that it is read once. name is the object that it says it is; '' is not read yet.
ALTER TABLE digests ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN chain TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN trail TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN start_at BIGINT;
ALTER TABLE digests ADD COLUMN end_at BIGINT;
ALTER TABLE digests ADD COLUMN files BIGINT NOT NULL DEFAULT 0;
ALTER TABLE digests ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE digests ADD COLUMN previous_signature TEXT NOT NULL DEFAULT '';
CREATE INDEX digests_name ON digests (name);
CREATE INDEX digests_previous ON digests (previous);
CREATE INDEX digests_chain ON digests (chain, end_at);
CREATE INDEX digests_verdict ON digests (verdict);

-- +goose Down
DROP INDEX digests_verdict;
DROP INDEX digests_chain;
DROP INDEX digests_previous;
DROP INDEX digests_name;
ALTER TABLE digests DROP COLUMN previous_signature;
ALTER TABLE digests DROP COLUMN previous;
ALTER TABLE digests DROP COLUMN files;
ALTER TABLE digests DROP COLUMN end_at;
ALTER TABLE digests DROP COLUMN start_at;
ALTER TABLE digests DROP COLUMN trail;
ALTER TABLE digests DROP COLUMN region;
ALTER TABLE digests DROP COLUMN account;
ALTER TABLE digests DROP COLUMN chain;
ALTER TABLE digests DROP COLUMN name;
