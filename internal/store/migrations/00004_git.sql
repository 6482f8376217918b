-- Git: the commit that a release or a version was read from.
ALTER TABLE releases ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
CREATE INDEX releases_commit ON releases (org, environment, source_commit) WHERE source_commit <> '';
ALTER TABLE versions ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
