-- +goose Up
CREATE TABLE watermarks (
  source TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, lane TEXT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (source, account, region, lane)
);

-- +goose Down
DROP TABLE watermarks;
