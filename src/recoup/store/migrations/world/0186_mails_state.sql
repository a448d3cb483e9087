-- Every mail has one of the states.
ALTER TABLE cell.mails VALIDATE CONSTRAINT mails_state_check;
