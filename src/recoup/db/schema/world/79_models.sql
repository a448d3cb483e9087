-- What training has made, and which of it decides. Nobody changes or deletes a model: what one has decided is
-- decided again with it.
CREATE TABLE directory.models (
  name text PRIMARY KEY,                   -- of its content's hash
  content text NOT NULL,                   -- JSON, as text: each digit of it counts
  sha256 text NOT NULL,
  data_from date NOT NULL,                 -- business time of what it was made from
  data_until date NOT NULL,
  attempts bigint NOT NULL,
  payers bigint NOT NULL,
  held_from timestamptz,                   -- from here on attempts were held out; null: it was not tried
  held_attempts int,
  score double precision,                  -- of the chances it gave them: mean log-loss, the less the better
  compared_with text,                      -- a model, or the plain rates
  compared_score double precision,
  score_error double precision,            -- standard error of the difference
  made_at timestamptz NOT NULL,            -- wall time
  made_by text NOT NULL,
  CHECK (num_nulls(held_from, held_attempts, score, compared_with, compared_score, score_error) IN (0, 6))
);

-- The newest line says which model decides. Of two who choose at once the second finds the number taken.
CREATE TABLE directory.model_choices (
  choice_no bigint PRIMARY KEY,
  name text REFERENCES models,             -- null: none
  back_to bigint REFERENCES model_choices, -- what held before; null: none did
  why text NOT NULL,
  actor text NOT NULL,
  chosen_at timestamptz NOT NULL           -- wall time
);

-- What the nightly training found, one line a night.
CREATE TABLE directory.trainings (
  began_at timestamptz PRIMARY KEY,        -- wall time
  ended_at timestamptz NOT NULL,
  mode text NOT NULL CHECK (mode IN ('candidate', 'take')),  -- whether a better model waits for a person, or decides at once
  result text NOT NULL CHECK (result IN ('taken', 'candidate', 'not_better', 'too_little', 'failed')),
  attempts bigint NOT NULL,                -- that were read
  model text,                              -- what was made, kept or not
  compared_with text,                      -- as of models, with the two scores
  score double precision,
  compared_score double precision,
  note text NOT NULL                       -- what there was too little of, or why it failed
);
