-- Which of a card's sends only a merchant claims: they bind that merchant alone.
ALTER TABLE network_sends ADD COLUMN claimed boolean NOT NULL DEFAULT false;
