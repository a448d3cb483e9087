-- When a processor last said what a stored method is, and what it says anew.
ALTER TABLE stored_methods ADD COLUMN described_at timestamptz;
-- What a processor says anew of a card that it keeps; null: nothing. Of one that was erased nothing is kept again.
CREATE FUNCTION renew_method(merchant uuid, method uuid, month smallint, year smallint, digits text, id text, print text,
  kind text, land text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stored_methods s SET reference = coalesce(id, s.reference), fingerprint = coalesce(print, s.fingerprint),
    funding = coalesce(kind, s.funding), country = coalesce(land, s.country), described_at = at
  WHERE s.merchant_id = merchant AND s.method_id = method AND s.reference <> '';
  IF FOUND THEN
    UPDATE vault v SET exp_month = coalesce(month, v.exp_month), exp_year = coalesce(year, v.exp_year),
      last4 = coalesce(digits, v.last4)
    WHERE v.merchant_id = merchant AND v.token_id = method AND v.kek_id IS NULL;
  END IF;
END $$;
