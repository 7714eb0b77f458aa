-- +goose Up
-- What each stream of logs delivered, by hour of arrival; format, account and region are '' for the whole source. Times are epoch
-- milliseconds, spans too.
CREATE TABLE source_hours (
  source TEXT NOT NULL, format TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, hour BIGINT NOT NULL,
  received BIGINT NOT NULL, stored BIGINT NOT NULL, duplicate BIGINT NOT NULL, dead BIGINT NOT NULL, dropped BIGINT NOT NULL, bytes BIGINT NOT NULL,
  lags TEXT NOT NULL, first_at BIGINT, last_at BIGINT, last_occurred BIGINT, gap BIGINT NOT NULL, watched BIGINT NOT NULL, updated_at BIGINT NOT NULL,
  PRIMARY KEY (source, format, account, region, hour)
);
CREATE INDEX source_hours_updated ON source_hours (updated_at);
CREATE INDEX source_hours_hour ON source_hours (hour);

-- What an alert is about: detection, or the health of a source, which no conclusion withdraws.
ALTER TABLE alerts ADD COLUMN kind TEXT NOT NULL DEFAULT 'detection';

-- +goose Down
ALTER TABLE alerts DROP COLUMN kind;
DROP TABLE source_hours;
