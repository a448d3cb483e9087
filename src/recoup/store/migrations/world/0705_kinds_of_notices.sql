-- Arbitration by the scheme is a stage of a dispute; a hold that its processor says is gone is a subject of notices; and
-- kinds of notices that no connector reads are counted by their names.
ALTER TABLE disputes DROP CONSTRAINT disputes_stage_check,
  ADD CONSTRAINT disputes_stage_check CHECK (stage IN ('inquiry', 'first', 'pre_arbitration', 'arbitration')) NOT VALID;
ALTER TABLE processor_notices DROP CONSTRAINT processor_notices_subject_check,
  ADD CONSTRAINT processor_notices_subject_check CHECK (subject IN
    ('charge', 'modification', 'dispute', 'method', 'invoice', 'fraud', 'hold')) NOT VALID;
ALTER TABLE directory.processor_notice_counts DROP CONSTRAINT processor_notice_counts_became_check,
  ADD CONSTRAINT processor_notice_counts_became_check CHECK (became IN
    ('taken', 'repeated', 'unknown_kind', 'needs_nothing', 'not_mine', 'not_ours', 'unsigned', 'unread'));
CREATE TABLE directory.unread_notice_kinds (
  route text NOT NULL,
  kind text NOT NULL,
  count bigint NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (route, kind)
);
GRANT SELECT, INSERT, UPDATE ON directory.unread_notice_kinds TO recoup_app;
