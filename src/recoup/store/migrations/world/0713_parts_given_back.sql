-- What was collected in parts of an order that ended without the rest went back: its refunded amount says so.
UPDATE order_heads h SET refunded_units = h.refunded_units + back.units
FROM (SELECT m.merchant_id, m.order_id, sum(m.units) AS units FROM modifications m
  JOIN order_log l ON l.merchant_id = m.merchant_id AND l.order_id = m.order_id AND l.fact_id = m.modification_id
    AND l.happening = 'part_owed_back'
  WHERE m.kind = 'reversal' GROUP BY 1, 2) AS back
WHERE h.merchant_id = back.merchant_id AND h.order_id = back.order_id;
