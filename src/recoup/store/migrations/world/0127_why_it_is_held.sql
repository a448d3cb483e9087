-- concurrently
-- Why an order is held is a code, too; its sentence is made where it is read. What is no sentence of ours stays as it was
-- written. Some thousands at a time; can be repeated.
DO $$
DECLARE
  changed integer;
BEGIN
  LOOP
    UPDATE order_heads h SET attention = CASE
        WHEN h.attention = 'held:It is on hold.' THEN 'held:on_hold'
        WHEN h.attention = 'held:The operator has stopped all sending for this merchant.' THEN 'held:kill_switch'
        WHEN h.attention = 'held:The processor cannot be reached.' THEN 'held:processor_outage'
        WHEN h.attention = 'held:The card''s allowance is set to none.' THEN 'held:card_set_to_none'
        WHEN h.attention = 'held:The bank allows no further try with this card. Only another card of the customer helps.'
          THEN 'held:bank_never'
        WHEN h.attention = 'held:This card is blocked: its holder disputed a payment here as fraud.'
          THEN 'held:blocked:fraud_dispute'
        WHEN h.attention = 'held:This customer is blocked by the merchant.' THEN 'held:blocked:customer'
        WHEN h.attention = 'held:This card is blocked by the merchant.' THEN 'held:blocked:card'
        WHEN h.attention = 'held:This card is blocked.' THEN 'held:blocked:'
        WHEN h.attention = 'held:Put on hold by a person: something about it is being checked.'
          THEN 'held:held_by_person:check'
        WHEN h.attention = 'held:Put on hold by a person: the customer asked to wait.' THEN 'held:held_by_person:asked'
        WHEN h.attention = 'held:Put on hold by a person: fraud is suspected.' THEN 'held:held_by_person:fraud'
        WHEN h.attention = 'held:Put on hold by the operator: something about it is being checked.'
          THEN 'held:held_by_operator:check'
        WHEN h.attention = 'held:Put on hold by the operator: the customer asked to wait.'
          THEN 'held:held_by_operator:asked'
        WHEN h.attention = 'held:Put on hold by the operator: fraud is suspected.' THEN 'held:held_by_operator:fraud'
        ELSE regexp_replace(regexp_replace(h.attention,
          '^held:The bank asked not to try this card before (\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\.$',
          'held:bank_waits:\1T\2:00+00:00'),
          '^held:The card''s allowance is used up until (\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\.$',
          'held:card_used_up:\1T\2:00+00:00')
        END
    WHERE (h.merchant_id, h.order_id) IN (
      SELECT merchant_id, order_id FROM order_heads WHERE attention IN (
          'held:It is on hold.', 'held:The operator has stopped all sending for this merchant.',
          'held:The processor cannot be reached.', 'held:The card''s allowance is set to none.',
          'held:The bank allows no further try with this card. Only another card of the customer helps.',
          'held:This card is blocked: its holder disputed a payment here as fraud.',
          'held:This customer is blocked by the merchant.', 'held:This card is blocked by the merchant.',
          'held:This card is blocked.')
        OR attention ~ ('^held:(Put on hold by (a person|the operator): '
          '(something about it is being checked|the customer asked to wait|fraud is suspected)\.|'
          '(The bank asked not to try this card before|The card''s allowance is used up until) '
          '\d{4}-\d\d-\d\d \d\d:\d\d UTC\.)$')
      ORDER BY merchant_id, order_id LIMIT 2000 FOR UPDATE
    );
    GET DIAGNOSTICS changed = ROW_COUNT;
    COMMIT;
    EXIT WHEN changed = 0;
  END LOOP;
END
$$;
