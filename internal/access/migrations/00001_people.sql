-- +goose Up
-- Times are epoch milliseconds; secrets are kept as SHA-256 of random 256 bits, passwords as argon2id.
CREATE TABLE people (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL, accounts TEXT NOT NULL, created_at BIGINT NOT NULL, ended_at BIGINT
);
CREATE TABLE invitations (
  hash TEXT PRIMARY KEY, role TEXT NOT NULL, accounts TEXT NOT NULL, invited_by TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
);
CREATE TABLE sessions (
  hash TEXT PRIMARY KEY, id TEXT NOT NULL, person TEXT NOT NULL, address TEXT NOT NULL, client TEXT NOT NULL,
  created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, ended_at BIGINT
);
CREATE INDEX sessions_person ON sessions (person, ended_at);

-- +goose Down
DROP TABLE sessions;
DROP TABLE invitations;
DROP TABLE people;
