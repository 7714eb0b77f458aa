-- +goose Up
-- Names are one's own for ever, over tokens and people (of internal/access): the table is both's, and whoever comes first makes it.
-- A token without a source holds its name before one that delivers.
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, holder TEXT NOT NULL);
INSERT INTO names (name, holder) SELECT lower(name), 'token' FROM tokens WHERE source = '' ON CONFLICT (name) DO NOTHING;
INSERT INTO names (name, holder) SELECT lower(name), 'source/' || source FROM tokens WHERE source <> '' ON CONFLICT (name) DO NOTHING;

-- +goose Down
DELETE FROM names WHERE holder <> 'person';
