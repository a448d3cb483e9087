-- What became of orders whose time to pay is over, by week of their begin and by the chance that was foreseen; only added to.
CREATE TABLE advance_weeks (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  begins date NOT NULL,                    -- a Monday, by business time
  cells jsonb NOT NULL,                    -- by tenth of the chance: rules/money/advance_bounds
  PRIMARY KEY (merchant_id, asset, begins)
);

-- What such orders bring at least and lose at most, as versions: decisions about advances name theirs. Only added to.
CREATE TABLE advance_bounds (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  version int NOT NULL CHECK (version > 0),
  made_on date NOT NULL,                   -- business time
  until date NOT NULL,                     -- weeks before it have counted
  tables jsonb NOT NULL,
  PRIMARY KEY (merchant_id, asset, version)
);
GRANT SELECT, INSERT ON advance_weeks, advance_bounds TO recoup_app;
INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
SELECT DISTINCT x.merchant_id, 'advance_bounds', x.merchant_id, now() + m.offset_us * interval '1 microsecond'
FROM exposure_limits x JOIN merchants m USING (merchant_id) WHERE x.limit_units > 0
ON CONFLICT DO NOTHING;
