-- What the content of a version was read as, and the mark of what was found amiss in
-- it, as JSON. Versions from before were read by nobody.
ALTER TABLE versions ADD COLUMN read_as TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN unchecked TEXT NOT NULL DEFAULT '';
