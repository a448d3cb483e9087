-- The answer to a send is written beside it on its page, and every index left alone.
ALTER TABLE hub.network_sends SET (fillfactor = 66);
