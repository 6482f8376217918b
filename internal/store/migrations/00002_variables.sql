-- Variables: their values, sealed under data keys that a master key wraps; what
-- versions require of them; and the tags of components, one a line.

-- A data key lies here only wrapped. It holds the organization's fingerprint key
-- too, which is the same under every number.
CREATE TABLE data_keys (
  org     TEXT   NOT NULL,
  number  BIGINT NOT NULL,
  wrapped BYTEA  NOT NULL,
  PRIMARY KEY (org, number)
);

-- A value is stored once for each key and content, under its fingerprint, which
-- is what slots and the ledger hold. Shredding removes the row.
CREATE TABLE sealed (
  org         TEXT   NOT NULL,
  fingerprint TEXT   NOT NULL,
  key         BIGINT NOT NULL,
  bytes       BYTEA  NOT NULL,
  PRIMARY KEY (org, fingerprint)
);
CREATE INDEX sealed_key ON sealed (org, key);

ALTER TABLE versions ADD COLUMN requires TEXT NOT NULL DEFAULT '';
CREATE INDEX versions_requires ON versions (org, component, number) WHERE requires <> '';

ALTER TABLE components ADD COLUMN tags TEXT NOT NULL DEFAULT '';
