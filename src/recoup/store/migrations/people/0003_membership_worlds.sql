-- A membership says in which world it holds. Those of before hold where they did: the operator's in both, the others in each
-- world that has their merchant, or one of their partner's.
ALTER TABLE memberships ADD COLUMN world text NOT NULL DEFAULT 'sandbox';
ALTER TABLE memberships DROP CONSTRAINT memberships_pkey;
ALTER TABLE memberships ADD PRIMARY KEY (user_id, subject_kind, subject_id, world);
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
SELECT m.user_id, m.subject_kind, m.subject_id, m.role, m.created_at, 'live' FROM memberships m
WHERE m.subject_kind = 'operator' OR EXISTS (SELECT FROM merchant_worlds w WHERE w.world = 'live'
  AND CASE m.subject_kind WHEN 'partner' THEN w.partner_id ELSE w.merchant_id END = m.subject_id);
