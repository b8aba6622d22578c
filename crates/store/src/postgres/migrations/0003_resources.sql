-- The resources of the calling family: units, address books, contacts and what ties them together, each a row; and rows
-- that are derived from them. `crate::resource` says which kinds there are and what goes with what. Ids and scopes are
-- without the prefix that all of their kind begin with.

CREATE TABLE resource (
    -- The end of the organization's id; empty for the rows that say to whom an id belongs.
    organization_id text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    scope text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (organization_id, kind, scope, id)
);
