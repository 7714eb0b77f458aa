-- +goose Up
-- Names are one's own for ever, over people and tokens (the desk's): the table is both's, and whoever comes first makes it.
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, holder TEXT NOT NULL);
INSERT INTO names (name, holder) SELECT DISTINCT lower(name), 'person' FROM people WHERE true ON CONFLICT (name) DO NOTHING;
-- What invited: a link of before that a token made is none any more.
ALTER TABLE invitations ADD COLUMN by_kind TEXT NOT NULL DEFAULT 'person';

-- +goose Down
ALTER TABLE invitations DROP COLUMN by_kind;
DELETE FROM names WHERE holder = 'person';
