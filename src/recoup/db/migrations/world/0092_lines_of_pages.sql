-- concurrently
-- The lines of the pages that there are: page by page, each whole, so that a second run goes on where the first ended.
DO $$
DECLARE
  page record;
BEGIN
  FOR page IN SELECT c.merchant_id, n.page_no FROM closers c CROSS JOIN generate_series(1, c.page_no) AS n (page_no)
    WHERE NOT EXISTS (SELECT FROM page_lines l WHERE l.merchant_id = c.merchant_id AND l.page_no = n.page_no)
  LOOP
    INSERT INTO page_lines (merchant_id, page_no, position, posting_id)
    SELECT p.merchant_id, p.page_no, p.position, p.posting_id FROM postings p
    WHERE p.merchant_id = page.merchant_id AND p.page_no = page.page_no;
    COMMIT;
  END LOOP;
END $$;
