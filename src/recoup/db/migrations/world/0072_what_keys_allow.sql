-- beside
-- What a key allows is said by resource. Keys that there are allow what they did: their scopes have the names of before,
-- `requested` has what waits for an owner.
ALTER TABLE directory.api_keys ADD COLUMN requested text[] NULL DEFAULT '{}'::text[];
ALTER TABLE directory.signing_keys ADD COLUMN scopes text[] NULL DEFAULT '{payments,orders,merchants}'::text[],
  ADD COLUMN requested text[] NULL DEFAULT '{}'::text[];
ALTER TABLE directory.partner_keys ADD COLUMN requested text[] NULL DEFAULT '{}'::text[],
  ADD COLUMN made_by text NULL DEFAULT 'operator:setup'::text, ADD COLUMN ended_by text NULL;
