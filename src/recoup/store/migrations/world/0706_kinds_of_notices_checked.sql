-- Apart from the change, so that nobody waits for the check of what stands.
ALTER TABLE disputes VALIDATE CONSTRAINT disputes_stage_check;
ALTER TABLE processor_notices VALIDATE CONSTRAINT processor_notices_subject_check;
