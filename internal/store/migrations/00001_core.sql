-- The core: the ledger and its tree, content, environments, releases, slots.
-- One text for both engines. Times are microseconds since 1970 in UTC, an open
-- interval ends at 9223372036854775807, absent text is ''.

CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE organizations (
  org                 TEXT   NOT NULL PRIMARY KEY,
  seq                 BIGINT NOT NULL,
  recorded_at         BIGINT NOT NULL,
  default_environment TEXT   NOT NULL,
  verified_at         BIGINT NOT NULL
);

CREATE TABLE ledger (
  org         TEXT   NOT NULL,
  seq         BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor       TEXT   NOT NULL,
  kind        TEXT   NOT NULL,
  subject     TEXT   NOT NULL,
  payload     TEXT   NOT NULL,
  leaf        BYTEA  NOT NULL,
  PRIMARY KEY (org, seq)
) /*clustered*/;
CREATE INDEX ledger_kind ON ledger (org, kind, seq);

CREATE TABLE tree (
  org      TEXT   NOT NULL,
  position BIGINT NOT NULL,
  hash     BYTEA  NOT NULL,
  PRIMARY KEY (org, position)
) /*clustered*/;

CREATE TABLE components (
  org         TEXT   NOT NULL,
  fold        TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  kind        TEXT   NOT NULL,
  description TEXT   NOT NULL,
  archived    BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  created_by  TEXT   NOT NULL,
  latest      BIGINT NOT NULL,
  PRIMARY KEY (org, fold)
) /*clustered*/;
CREATE INDEX components_name ON components (org, name);

CREATE TABLE versions (
  org         TEXT   NOT NULL,
  component   TEXT   NOT NULL,
  number      BIGINT NOT NULL,
  label       TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  note        TEXT   NOT NULL,
  digest      TEXT   NOT NULL,
  size        BIGINT NOT NULL,
  author      TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  purged      BIGINT NOT NULL,
  PRIMARY KEY (org, component, number)
) /*clustered*/;
CREATE UNIQUE INDEX versions_label ON versions (org, component, label) WHERE label <> '';
CREATE INDEX versions_digest ON versions (org, component, digest);

CREATE TABLE version_files (
  org    TEXT   NOT NULL,
  digest TEXT   NOT NULL,
  path   TEXT   NOT NULL,
  blob   TEXT   NOT NULL,
  size   BIGINT NOT NULL,
  PRIMARY KEY (org, digest, path)
) /*clustered*/;
CREATE INDEX version_files_blob ON version_files (org, blob);

CREATE TABLE blobs (
  org    TEXT  NOT NULL,
  digest TEXT  NOT NULL,
  bytes  BYTEA NOT NULL,
  PRIMARY KEY (org, digest)
);

CREATE TABLE drafts (
  org       TEXT   NOT NULL,
  component TEXT   NOT NULL,
  digest    TEXT   NOT NULL,
  files     TEXT   NOT NULL,
  saved_at  BIGINT NOT NULL,
  saved_by  TEXT   NOT NULL,
  PRIMARY KEY (org, component)
);

CREATE TABLE quarantines (
  org       TEXT   NOT NULL,
  component TEXT   NOT NULL,
  digest    TEXT   NOT NULL,
  reason    TEXT   NOT NULL,
  actor     TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (org, component, digest)
);

CREATE TABLE environments (
  org           TEXT   NOT NULL,
  fold          TEXT   NOT NULL,
  name          TEXT   NOT NULL,
  alias         TEXT   NOT NULL,
  parent        TEXT   NOT NULL,
  tracks        TEXT   NOT NULL,
  promotes_from TEXT   NOT NULL,
  position      BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  deleted       BIGINT NOT NULL,
  release       BIGINT NOT NULL,
  epoch         BIGINT NOT NULL,
  at            BIGINT NOT NULL,
  root          TEXT   NOT NULL,
  lived         BIGINT NOT NULL,
  PRIMARY KEY (org, fold)
);
CREATE INDEX environments_parent ON environments (org, parent);

CREATE TABLE releases (
  org         TEXT   NOT NULL,
  environment TEXT   NOT NULL,
  number      BIGINT NOT NULL,
  seq         BIGINT NOT NULL,
  at          BIGINT NOT NULL,
  source_at   BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  actor       TEXT   NOT NULL,
  action      TEXT   NOT NULL,
  cause       TEXT   NOT NULL,
  source      TEXT   NOT NULL,
  reason      TEXT   NOT NULL,
  ticket      TEXT   NOT NULL,
  root        TEXT   NOT NULL,
  PRIMARY KEY (org, environment, number)
) /*clustered*/;
CREATE INDEX releases_at ON releases (org, environment, at, number);
CREATE UNIQUE INDEX releases_seq ON releases (org, seq);

-- Effective values, one row per value and interval [since, until) of release
-- numbers; seq is the place in the ledger of the release that began it. A slot
-- that became absent keeps an open row with an empty value, so the open rows
-- name every slot that the environment ever had.
CREATE TABLE slots (
  org         TEXT   NOT NULL,
  environment TEXT   NOT NULL,
  slot        TEXT   NOT NULL,
  since       BIGINT NOT NULL,
  seq         BIGINT NOT NULL,
  until       BIGINT NOT NULL,
  value       TEXT   NOT NULL,
  version     BIGINT NOT NULL,
  under       BIGINT NOT NULL,
  origin      TEXT   NOT NULL,
  pinned_by   BIGINT NOT NULL,
  PRIMARY KEY (org, environment, slot, since)
) /*clustered*/;
CREATE INDEX slots_open ON slots (org, environment, slot) WHERE until = 9223372036854775807;
CREATE INDEX slots_history ON slots (org, slot, seq);
CREATE INDEX slots_version ON slots (org, slot, version, environment, since);

CREATE TABLE tokens (
  org          TEXT   NOT NULL,
  id           TEXT   NOT NULL,
  name         TEXT   NOT NULL,
  roles        TEXT   NOT NULL,
  environments TEXT   NOT NULL,
  hash         TEXT   NOT NULL,
  old_hash     TEXT   NOT NULL,
  old_until    BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  created_by   TEXT   NOT NULL,
  expires_at   BIGINT NOT NULL,
  revoked_at   BIGINT NOT NULL,
  PRIMARY KEY (org, id)
);

CREATE TABLE idempotency (
  org     TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  key     TEXT   NOT NULL,
  request TEXT   NOT NULL,
  answer  TEXT   NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (org, actor, key)
);
CREATE INDEX idempotency_at ON idempotency (at);
