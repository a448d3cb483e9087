"""Part of `evidence`: the retry policies that hold for an order `o` of the merchant `m`: of each
scope so many of the newest that one whose time has come is among them; and of its merchant, site
and campaign the sends of the last month that was counted."""

from typing import Final

from recoup.policies.rules.stored import READ_MAX

POLICIES: Final = f"""
  CASE WHEN o.kind IN ('mit_managed', 'mit_sync')
    AND o.stage IN ('received', 'processing', 'held', 'challenged', 'problem') THEN (
    SELECT jsonb_build_object('versions', jsonb_agg(to_jsonb(p)), 'sent', (
      SELECT jsonb_object_agg(k.counted, x)
      FROM (VALUES ('merchant', o.merchant_id), ('site', o.site_id), ('campaign', o.campaign_id))
        k (counted, subject_id)
      CROSS JOIN LATERAL (SELECT month, sends FROM policy_sends
        WHERE merchant_id = o.merchant_id AND subject_id = k.subject_id
          ORDER BY month DESC LIMIT 1) x))
    FROM (
      (SELECT scope, subject_id, number, from_at, content FROM policy_bounds
        WHERE scope = 'operator' AND subject_id = '00000000-0000-0000-0000-000000000000'
        ORDER BY number DESC LIMIT {READ_MAX})
      UNION ALL (SELECT scope, subject_id, number, from_at, content FROM policy_bounds
        WHERE scope = 'partner' AND subject_id = m.partner_id ORDER BY number DESC LIMIT {READ_MAX})
      UNION ALL (SELECT scope, subject_id, number, from_at, content FROM policy_versions
        WHERE merchant_id = o.merchant_id AND scope = 'merchant' AND subject_id = o.merchant_id
        ORDER BY number DESC LIMIT {READ_MAX})
      UNION ALL (SELECT scope, subject_id, number, from_at, content FROM policy_versions
        WHERE merchant_id = o.merchant_id AND scope = 'site' AND subject_id = o.site_id
        ORDER BY number DESC LIMIT {READ_MAX})
      UNION ALL (SELECT scope, subject_id, number, from_at, content FROM policy_versions
        WHERE merchant_id = o.merchant_id AND scope = 'campaign' AND subject_id = o.campaign_id
        ORDER BY number DESC LIMIT {READ_MAX})
    ) p HAVING count(*) > 0)::text END"""
