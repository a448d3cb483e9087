-- The sandbox's mailbox: what payers would have got. On connections of its own; nothing of ours refers to it.
CREATE SCHEMA IF NOT EXISTS mailbox;

CREATE TABLE IF NOT EXISTS mailbox.mails (
    id uuid PRIMARY KEY,
    arrived_at timestamptz NOT NULL,
    recipient text NOT NULL,
    sender text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    times int NOT NULL DEFAULT 1          -- how often it came; a reader sees it once
);
