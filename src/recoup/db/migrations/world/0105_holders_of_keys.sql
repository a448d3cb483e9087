-- beside
-- The process that signs with a key: its session's lock is one server's alone.
CREATE TABLE chain.sender_holders (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  holder uuid NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (chain, sender)
);
GRANT SELECT, INSERT, UPDATE ON chain.sender_holders TO recoup_app;
