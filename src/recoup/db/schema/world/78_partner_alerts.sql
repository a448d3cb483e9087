-- What a partner's own people should hear of, once each. A worker tells them, and says so.
CREATE TABLE hub.partner_alerts (
  partner_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL,                      -- as in alerts
  about uuid NOT NULL,                     -- the endpoint
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and a host; no personal data
  created_at timestamptz NOT NULL,         -- wall time
  notified_at timestamptz,                     -- wall time; null = nobody may have been told yet
  PRIMARY KEY (partner_id, alert_id),
  UNIQUE (partner_id, kind, about, step)
);
CREATE INDEX partner_alerts_unnotified ON partner_alerts (created_at) WHERE notified_at IS NULL;
