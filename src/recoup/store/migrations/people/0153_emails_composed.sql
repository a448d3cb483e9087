-- E-mail addresses are looked up with their characters composed (NFC). An address of which both spellings have an
-- account stays as it is.
UPDATE users u SET email = normalize(email, NFC)
WHERE email IS NOT NFC NORMALIZED AND NOT EXISTS (
  SELECT FROM users o WHERE o.user_id <> u.user_id AND normalize(o.email, NFC) = normalize(u.email, NFC)
);
UPDATE invitations SET email = normalize(email, NFC) WHERE email IS NOT NFC NORMALIZED;
