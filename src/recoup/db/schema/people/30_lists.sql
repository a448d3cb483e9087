-- home: people. How somebody likes their lists.
CREATE TABLE list_habits (
  user_id uuid PRIMARY KEY REFERENCES users,
  zone text NOT NULL DEFAULT 'GMT',
  columns text[] NOT NULL DEFAULT '{}'     -- of the orders; empty: the usual ones
);

-- A list's address that somebody gave a name, at one merchant.
CREATE TABLE saved_views (
  user_id uuid NOT NULL REFERENCES users,
  merchant_id uuid NOT NULL,
  view_id uuid NOT NULL,
  name text NOT NULL,
  query text NOT NULL,
  shared_in text,                          -- the world whose people of this merchant see it, too; null: nobody else
  PRIMARY KEY (user_id, merchant_id, view_id)
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (user_id, merchant_id, lower(name));
CREATE INDEX saved_views_shared ON saved_views (merchant_id, shared_in) WHERE shared_in IS NOT NULL;
