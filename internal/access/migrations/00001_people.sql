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

-- One row, which every change of who may do what writes first: such changes come one after the other on any engine.
CREATE TABLE people_turn (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);
INSERT INTO people_turn (id, n) VALUES (1, 0);

-- +goose Down
DROP TABLE people_turn;
DROP TABLE sessions;
DROP TABLE invitations;
DROP TABLE people;
