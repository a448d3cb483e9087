-- concurrently
-- What 0107 added is filled in for the sends that were there: one without an attempt of ours is what a merchant claims,
-- the payment that came in or a transmission.
DO $$
DECLARE
  c uuid := '00000000-0000-0000-0000-000000000000';
  s uuid := '00000000-0000-0000-0000-000000000000';
  c_last uuid;
  s_last uuid;
BEGIN
  LOOP
    SELECT b.card_id, b.send_id INTO c_last, s_last FROM (
      SELECT n.card_id, n.send_id FROM network_sends n WHERE (n.card_id, n.send_id) > (c, s)
      ORDER BY n.card_id, n.send_id LIMIT 2000) b
    ORDER BY b.card_id DESC, b.send_id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    UPDATE network_sends n SET claimed = true
    WHERE (n.card_id, n.send_id) > (c, s) AND (n.card_id, n.send_id) <= (c_last, s_last)
      AND n.declined AND NOT n.claimed
      AND NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = n.merchant_id AND a.attempt_id = n.send_id);
    COMMIT;
    c := c_last;
    s := s_last;
  END LOOP;
END $$;
