-- concurrently
-- Lines without id and reference that were read before: they stood for what they say, the first of equal ones alone.
DO $$
DECLARE
  m uuid := '00000000-0000-0000-0000-000000000000';
  r uuid := '00000000-0000-0000-0000-000000000000';
  n int := -1;
  m_last uuid;
  r_last uuid;
  n_last int;
BEGIN
  LOOP
    SELECT b.merchant_id, b.run_id, b.row_no INTO m_last, r_last, n_last FROM (
      SELECT l.merchant_id, l.run_id, l.row_no FROM reconciliation_lines l
      WHERE (l.merchant_id, l.run_id, l.row_no) > (m, r, n)
      ORDER BY l.merchant_id, l.run_id, l.row_no LIMIT 5000) b
    ORDER BY b.merchant_id DESC, b.run_id DESC, b.row_no DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    UPDATE reconciliation_lines l SET content_id = l.line_id, equal_no = 1
    WHERE (l.merchant_id, l.run_id, l.row_no) > (m, r, n)
      AND (l.merchant_id, l.run_id, l.row_no) <= (m_last, r_last, n_last)
      AND l.line_id IS NOT NULL AND l.our_id IS NULL AND coalesce(l.reference, '') = '' AND l.content_id IS NULL
      AND l.outcome <> 'duplicate';
    COMMIT;
    m := m_last;
    r := r_last;
    n := n_last;
  END LOOP;
END $$;
DROP INDEX CONCURRENTLY IF EXISTS reconciliation_lines_equal;
CREATE INDEX CONCURRENTLY reconciliation_lines_equal ON reconciliation_lines (merchant_id, content_id)
  WHERE content_id IS NOT NULL;
