-- concurrently
-- What needs attention about an order is a code; its sentence is made where it is read. Some thousands at a time; can be repeated.
DO $$
DECLARE
  changed integer;
BEGIN
  LOOP
    UPDATE order_heads h SET attention = CASE
        WHEN h.attention LIKE 'The processor has not said for a day whether this payment%' THEN 'outcome_unknown'
        WHEN h.attention LIKE 'The processor has not said for a day whether the customer%' THEN 'charge_unknown'
        WHEN h.attention = 'held' THEN 'held:It is on hold.'
        WHEN h.attention LIKE 'Paid twice:%' THEN 'paid_twice'
        WHEN h.attention LIKE 'The same customer paid the same amount%' THEN 'paid_too'
        WHEN h.attention LIKE 'Paid after its end:%' THEN 'paid_late'
        WHEN h.attention LIKE 'The merchant is retrying this payment too;%' THEN 'merchant_retries'
        WHEN h.attention LIKE 'Already refunded: the cardholder disputes%' THEN 'refunded_before_dispute'
        WHEN h.attention LIKE 'A refund was not sent: the cardholder%' THEN 'refund_not_sent'
        WHEN h.attention ~ '^A (refund|capture|void|reversal|settlement) is (stuck|delayed): '
          THEN regexp_replace(h.attention, '^A (\w+) is (\w+): .*$', '\1_\2')
        WHEN h.attention ~ '^Dispute \d+ must be answered soon;'
          THEN regexp_replace(h.attention, '^Dispute (\d+) .*$', 'dispute_late:\1')
        WHEN h.attention ~ '^The answer to dispute \d+ is sent until'
          THEN regexp_replace(h.attention, '^The answer to dispute (\d+) .*$', 'dispute_answer_delayed:\1')
        WHEN h.attention ~ '^The processor did not take the answer to dispute \d+\.$'
          THEN regexp_replace(h.attention, '^.* dispute (\d+)\.$', 'dispute_answer_refused:\1')
        ELSE 'held:' || h.attention END
    WHERE (h.merchant_id, h.order_id) IN (
      SELECT merchant_id, order_id FROM order_heads
      WHERE attention IS NOT NULL AND (attention = 'held' OR attention !~ '^[a-z_]+(:.*)?$') ORDER BY merchant_id, order_id LIMIT 2000
      FOR UPDATE
    );
    GET DIAGNOSTICS changed = ROW_COUNT;
    COMMIT;
    EXIT WHEN changed = 0;
  END LOOP;
END
$$;
