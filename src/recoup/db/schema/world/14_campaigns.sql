-- Campaigns under a website: orders name one by its key.
CREATE TABLE campaigns (
  merchant_id uuid NOT NULL REFERENCES merchants,
  campaign_id uuid NOT NULL,
  site_id uuid NOT NULL,
  key text NOT NULL,                       -- as orders name it; capital and small letters are one
  name text NOT NULL,
  descriptor text NOT NULL DEFAULT '',     -- empty: the site's
  cit_web boolean NOT NULL DEFAULT true,
  cit_callcenter boolean NOT NULL DEFAULT true,
  mit boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  retired_at timestamptz,                  -- takes no orders any more; those that it had keep it
  PRIMARY KEY (merchant_id, campaign_id),
  UNIQUE (merchant_id, site_id, campaign_id),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites
);
CREATE UNIQUE INDEX campaigns_key ON campaigns (merchant_id, site_id, lower(key)) WHERE retired_at IS NULL;
