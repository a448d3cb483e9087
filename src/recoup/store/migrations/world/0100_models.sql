-- Models of the rescue engine, and which of them decides.
CREATE TABLE models (
  name text PRIMARY KEY,
  content text NOT NULL,
  sha256 text NOT NULL,
  data_from date NOT NULL,
  data_until date NOT NULL,
  attempts bigint NOT NULL,
  payers bigint NOT NULL,
  held_from timestamptz,
  held_attempts int,
  score double precision,
  compared_with text,
  compared_score double precision,
  score_error double precision,
  made_at timestamptz NOT NULL,
  made_by text NOT NULL,
  CHECK (num_nulls(held_from, held_attempts, score, compared_with, compared_score, score_error) IN (0, 6))
);

CREATE TABLE model_choices (
  choice_no bigint PRIMARY KEY,
  name text REFERENCES models,
  back_to bigint REFERENCES model_choices,
  why text NOT NULL,
  actor text NOT NULL,
  chosen_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON models, model_choices TO recoup_app;
