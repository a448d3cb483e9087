-- An advance counts for its customer by each name that one person has, not by payer and card number alone.
ALTER TABLE advances ADD COLUMN customers uuid[] NOT NULL DEFAULT '{}';
UPDATE advances SET customers = array_remove(ARRAY[payer_id, pan_id], NULL) WHERE due_units > 0;
