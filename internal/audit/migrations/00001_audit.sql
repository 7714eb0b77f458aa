-- +goose Up
CREATE TABLE audit (
  id TEXT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,
  outcome TEXT NOT NULL, detail TEXT NOT NULL, batch TEXT NOT NULL DEFAULT '', relayed_at BIGINT
);
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_outbox ON audit (relayed_at, batch, id);

-- +goose Down
DROP TABLE audit;
