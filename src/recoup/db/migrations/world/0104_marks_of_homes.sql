-- beside
-- How far each home got: one that knows less than the others was restored alone.
CREATE TABLE cell_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);
CREATE TABLE hub.hub_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);
CREATE TABLE chain.chain_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON cell_mark, hub.hub_mark, chain.chain_mark TO recoup_app;
