-- Which cell has a merchant's tables. A merchant without a row is the first cell's.
CREATE TABLE directory.cells (
  cell int PRIMARY KEY CHECK (cell BETWEEN 1 AND 99),
  added_at timestamptz NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,         -- with `beat` the mark that its home was given last
  beat bigint NOT NULL DEFAULT 0
);

CREATE TABLE directory.merchants_cells (
  merchant_id uuid PRIMARY KEY,
  cell int NOT NULL CHECK (cell BETWEEN 1 AND 99)
);
