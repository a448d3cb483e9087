-- Contacts that no budget counts any more and no chance is learned from are deleted.
GRANT DELETE ON cell.contacts TO recoup_app;
