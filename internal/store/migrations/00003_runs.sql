-- Runs: the queue, the step log and the record, in one.

-- What lists and sums need stands in columns, the rest in record. A worker holds
-- a run until lease_until; fence grows with each worker that takes it, so that one
-- that wakes late changes nothing. Bucket is the logarithm of the duration.
CREATE TABLE runs (
  org           TEXT   NOT NULL,
  id            TEXT   NOT NULL,
  component     TEXT   NOT NULL,
  version       BIGINT NOT NULL,
  environment   TEXT   NOT NULL,
  release       BIGINT NOT NULL,
  status        TEXT   NOT NULL,
  session       TEXT   NOT NULL,
  created_at    BIGINT NOT NULL,
  started_at    BIGINT NOT NULL,
  ended_at      BIGINT NOT NULL,
  bucket        BIGINT NOT NULL,
  steps         BIGINT NOT NULL,
  input_tokens  BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  cost          DOUBLE PRECISION NOT NULL,
  change        BIGINT NOT NULL,
  worker        TEXT   NOT NULL,
  fence         BIGINT NOT NULL,
  lease_until   BIGINT NOT NULL,
  wake_at       BIGINT NOT NULL,
  error         TEXT   NOT NULL,
  record        TEXT   NOT NULL,
  PRIMARY KEY (org, id)
) /*clustered*/;
CREATE INDEX runs_open ON runs (org, wake_at, id) WHERE status IN ('pending', 'running');
CREATE INDEX runs_paused ON runs (org, wake_at) WHERE status = 'paused';
CREATE INDEX runs_component ON runs (org, component, id, status, version);
CREATE INDEX runs_environment ON runs (org, environment, id, status);
CREATE INDEX runs_release ON runs (org, environment, release, id, status, component, version);
CREATE INDEX runs_failed ON runs (org, id) WHERE status = 'failed';
CREATE INDEX runs_session ON runs (org, session, id) WHERE session <> '';
-- In the order in which sums group, so that nothing is sorted.
CREATE INDEX runs_sums ON runs (org, component, environment, version, release, status, bucket, created_at, input_tokens, output_tokens, cost);

-- Input, output and content that is not stored as a version.
CREATE TABLE run_bodies (
  org  TEXT NOT NULL,
  run  TEXT NOT NULL,
  part TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (org, run, part)
) /*clustered*/;

CREATE TABLE run_steps (
  org      TEXT   NOT NULL,
  run      TEXT   NOT NULL,
  path     TEXT   NOT NULL,
  change   BIGINT NOT NULL,
  record   TEXT   NOT NULL,
  settings TEXT   NOT NULL,
  output   TEXT   NOT NULL,
  PRIMARY KEY (org, run, path)
) /*clustered*/;

CREATE TABLE run_effects (
  org    TEXT   NOT NULL,
  run    TEXT   NOT NULL,
  path   TEXT   NOT NULL,
  n      BIGINT NOT NULL,
  effect TEXT   NOT NULL,
  PRIMARY KEY (org, run, path, n)
) /*clustered*/;

-- Ended runs that someone is to be told about.
CREATE TABLE run_callbacks (
  org      TEXT   NOT NULL,
  run      TEXT   NOT NULL,
  due_at   BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  PRIMARY KEY (org, run)
);

-- How many days an environment keeps the records of its runs; 0 for the default.
ALTER TABLE environments ADD COLUMN keep_runs BIGINT NOT NULL DEFAULT 0;

-- What the references of a version's files meant when it was published, as JSON.
ALTER TABLE versions ADD COLUMN pins TEXT NOT NULL DEFAULT '';
