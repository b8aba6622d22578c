-- Admin tokens, which releases before this step do not know: they stand in a table of their own, like `registry`.

CREATE TABLE admin_token (
    id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    record text
);
CREATE INDEX admin_token_by_version ON admin_token (version);

-- Whose admin token it was, where the actor is admin and the token has a name.
ALTER TABLE change ADD COLUMN operator text COLLATE "C";
