-- +goose Up
-- accounts: of all events of an alert, its own among them, as incidents write them; empty is not known yet, and nobody but who sees
-- everything reads it. alert_accounts holds those beside its own, for lists. related_told: incidents.accounts counts related events too.
ALTER TABLE alerts ADD COLUMN accounts TEXT NOT NULL DEFAULT '';
CREATE TABLE alert_accounts (alert_uid TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (alert_uid, account));
ALTER TABLE incidents ADD COLUMN related_told BIGINT NOT NULL DEFAULT 0;
CREATE INDEX incidents_regrouped ON incidents (uid, merged_into) WHERE regrouped = 1;

-- +goose Down
DROP INDEX incidents_regrouped;
ALTER TABLE incidents DROP COLUMN related_told;
DROP TABLE alert_accounts;
ALTER TABLE alerts DROP COLUMN accounts;
