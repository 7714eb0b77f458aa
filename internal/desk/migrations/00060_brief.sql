-- +goose Up
-- What the page of an incident shows first, of those with more than that; '' is all that there is, or one of before this was kept, whose
-- document is cut when it is read.
ALTER TABLE incidents ADD COLUMN brief TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE incidents DROP COLUMN brief;
