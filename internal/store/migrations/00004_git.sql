-- Git: the commit that a release or a version was read from, and when a release
-- happened elsewhere, by which it is found.
ALTER TABLE releases ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
CREATE INDEX releases_commit ON releases (org, environment, source_commit) WHERE source_commit <> '';
CREATE INDEX releases_source ON releases (org, environment, source_at) WHERE source_at <> 0;
ALTER TABLE versions ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
