-- What the nightly training found.
CREATE TABLE trainings (
  began_at timestamptz PRIMARY KEY,
  ended_at timestamptz NOT NULL,
  mode text NOT NULL CHECK (mode IN ('candidate', 'take')),
  result text NOT NULL CHECK (result IN ('taken', 'candidate', 'not_better', 'too_little', 'failed')),
  attempts bigint NOT NULL,
  model text,
  compared_with text,
  score double precision,
  compared_score double precision,
  note text NOT NULL
);
GRANT SELECT, INSERT ON trainings TO recoup_app;
