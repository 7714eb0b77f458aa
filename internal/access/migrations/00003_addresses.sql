-- +goose Up
-- The other networks that a session was used from since it began, the last one first.
ALTER TABLE sessions ADD COLUMN addresses TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN addresses;
