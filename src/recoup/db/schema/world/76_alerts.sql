-- What the people of a merchant should hear of, once each. Who they are, and who was told, stands with the
-- people; due work `alert` carries it there.
CREATE TABLE alerts (
  merchant_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL,                      -- of notifications/rules/notifications, which alone says what there is
  about uuid NOT NULL,                     -- the order, dispute, payout, batch, endpoint, request, route, merchant or card
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and amounts; no personal data
  user_id uuid,                            -- nobody else hears of it; null: all who may
  created_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, alert_id),
  UNIQUE (merchant_id, kind, about, step)
);
CREATE INDEX alerts_age ON alerts (created_at);
