"""Switches stand as their newest change says, and their changes follow one another."""

from typing import Final

from recoup.kit.proofs.walk import of_merchant

switches: Final = of_merchant(
    __name__,
    stand="""
SELECT NULL::uuid AS order_id, 'switch ' || h.kind || ' of ' || h.level || ' ' || h.subject_id AS
  field,
  h.is_on::text AS expected, s.is_on::text AS found
FROM (
  SELECT DISTINCT ON (subject_id, kind) * FROM switch_changes WHERE merchant_id = $1
  ORDER BY subject_id, kind, version DESC
) h
LEFT JOIN (
  SELECT level, subject_id, kind, is_on FROM (
    SELECT 'merchant' AS level, merchant_id AS subject_id, cit_web, cit_callcenter, mit
      FROM merchants
    WHERE merchant_id = $1
    UNION ALL SELECT 'site', site_id, cit_web, cit_callcenter, mit FROM sites WHERE merchant_id = $1
    UNION ALL SELECT 'campaign', campaign_id, cit_web, cit_callcenter, mit FROM campaigns
      WHERE merchant_id = $1
  ) t CROSS JOIN LATERAL (VALUES ('cit_web', cit_web), ('cit_callcenter', cit_callcenter), ('mit',
    mit))
    AS k (kind, is_on)
) s USING (level, subject_id, kind)
WHERE s.is_on IS DISTINCT FROM h.is_on
ORDER BY 2 LIMIT 1000
""",
    follow="""
SELECT NULL::uuid AS order_id, v.field || ' of switch change ' || h.version || ' of ' || h.kind AS
  field, v.expected,
  v.found
FROM (
  SELECT *, lag(is_on) OVER (PARTITION BY subject_id, kind ORDER BY version) AS before
    FROM switch_changes
  WHERE merchant_id = $1
) h
JOIN merchants m ON m.merchant_id = h.merchant_id
CROSS JOIN LATERAL (VALUES
  (1, 'what it changes', 'another state than before', CASE WHEN h.is_on = h.before THEN 'the same'
    ELSE 'another state than before' END),
  (2, 'version', 'at most the merchant''s', CASE WHEN h.version > m.version THEN h.version::text
    ELSE 'at most the merchant''s' END)
) v (no, field, expected, found)
WHERE v.expected <> v.found
ORDER BY h.version, v.no LIMIT 1000
""",
)
