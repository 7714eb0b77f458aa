-- +goose Up
-- version counts the changes of a person, for who edits at the same time; person is whom a link gives a new password, '' where it makes an account.
ALTER TABLE people ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE invitations ADD COLUMN person TEXT NOT NULL DEFAULT '';

-- +goose Down
DELETE FROM invitations WHERE person <> '';
ALTER TABLE invitations DROP COLUMN person;
ALTER TABLE people DROP COLUMN version;
