-- Where a posting stands is said by the lines of the pages.
DROP INDEX postings_open, postings_page;
ALTER TABLE postings DROP COLUMN page_no, DROP COLUMN position;
