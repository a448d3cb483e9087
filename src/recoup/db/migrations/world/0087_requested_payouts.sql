-- Payouts that may wait for a second person, among however many.
CREATE INDEX payouts_requested ON payouts (merchant_id, payout_id) WHERE state = 'requested';
