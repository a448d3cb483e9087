-- What nobody signed, or nobody could read, is counted too, and when the newest of each came.
ALTER TABLE directory.processor_notice_counts ADD COLUMN last_at timestamptz,
  DROP CONSTRAINT processor_notice_counts_became_check,
  ADD CONSTRAINT processor_notice_counts_became_check CHECK (became IN
    ('taken', 'repeated', 'unknown_kind', 'not_mine', 'not_ours', 'unsigned', 'unread'));
