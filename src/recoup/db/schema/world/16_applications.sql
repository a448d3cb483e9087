-- Who wants to become a merchant: before there is one. `merchant_id` is the merchant that it becomes, if
-- it does, so that it cannot become two.
CREATE TABLE directory.applications (
  application_id uuid PRIMARY KEY,
  owner_kind text NOT NULL CHECK (owner_kind IN ('partner', 'merchant')),
  owner_id uuid NOT NULL,                  -- who filled it in, and sees it besides the operator
  merchant_id uuid NOT NULL UNIQUE,
  status text NOT NULL
    CHECK (status IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'DECLINED', 'CANCELLED', 'CONVERTED')),
  version int NOT NULL CHECK (version >= 1),  -- the number of its last log line
  form jsonb NOT NULL,                     -- what it says; holds personal data, and is nowhere repeated
  external_id text NOT NULL DEFAULT '',    -- the owner's own name for it
  reason text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',           -- the operator's word to the applicant
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,         -- wall time, as all of these
  changed_at timestamptz NOT NULL,
  submitted_at timestamptz,
  decided_at timestamptz,
  decided_by text,
  ended_at timestamptz,
  CHECK (status NOT IN ('APPROVED', 'DECLINED', 'CONVERTED') OR decided_at IS NOT NULL)
);
CREATE INDEX applications_owner ON applications (owner_kind, owner_id, application_id DESC);
CREATE UNIQUE INDEX applications_external ON applications (owner_kind, owner_id, external_id)
  WHERE external_id <> '' AND status NOT IN ('DECLINED', 'CANCELLED');

-- Append only: what happened to an application, by whom. No personal data.
CREATE TABLE directory.application_log (
  application_id uuid NOT NULL REFERENCES applications,
  seq int NOT NULL CHECK (seq >= 1),
  happening text NOT NULL,
  src text NOT NULL,
  dst text NOT NULL,
  reason text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  document_id uuid,
  actor text NOT NULL,
  request_id text NOT NULL,
  at timestamptz NOT NULL,
  prev_seq int GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
  PRIMARY KEY (application_id, seq),
  UNIQUE (application_id, seq, dst),
  FOREIGN KEY (application_id, prev_seq, src) REFERENCES application_log (application_id, seq, dst),
  CHECK ((seq = 1) = (src = 'NEW'))
);

-- Bytes are sealed; a document that is removed is gone.
CREATE TABLE directory.application_documents (
  document_id uuid PRIMARY KEY,
  application_id uuid NOT NULL REFERENCES applications,
  kind text NOT NULL,
  name text NOT NULL,
  media_type text NOT NULL,                -- read from the bytes
  bytes int NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL,                   -- of what was sent
  sealed bytea NOT NULL,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL
);
CREATE INDEX application_documents_of ON application_documents (application_id, document_id);

-- Whose events are a partner's too: those of its merchants, and of what it applied for that is none yet.
CREATE VIEW directory.heard_by_partners AS
  SELECT merchant_id, partner_id FROM partner_merchants
  UNION ALL SELECT merchant_id, owner_id FROM applications WHERE owner_kind = 'partner' AND status <> 'CONVERTED';
