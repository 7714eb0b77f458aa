-- +goose Up
-- Feeds of intelligence. The indicators themselves are files in the data folder.
CREATE TABLE intel_feeds (
  name TEXT PRIMARY KEY, settings TEXT NOT NULL, state TEXT NOT NULL, created_at BIGINT NOT NULL
);
-- How often an indicator was met, by UTC day since 1970-01-01. It can be counted again from the lake.
CREATE TABLE intel_hits (
  feed TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, day BIGINT NOT NULL, count BIGINT NOT NULL, highest BIGINT NOT NULL,
  first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, PRIMARY KEY (feed, kind, value, day)
);
CREATE INDEX intel_hits_day ON intel_hits (day);

-- +goose Down
DROP TABLE intel_hits;
DROP TABLE intel_feeds;
