-- A call that was signed ahead of time could be sent again after a crash had emptied the table.
ALTER TABLE seen_signatures SET LOGGED;
ALTER TABLE signatures_since SET LOGGED;
