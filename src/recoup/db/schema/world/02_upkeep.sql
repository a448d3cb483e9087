-- What the database itself needs done, by whichever worker takes it: partitions made ahead, records dropped in time.
CREATE TABLE directory.upkeep (
  task text PRIMARY KEY,
  lease_until timestamptz,                 -- somebody does it
  done_at timestamptz                      -- when it was last done
);
