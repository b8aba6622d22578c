-- Webhooks and how far they have got, which releases before this step do not know: they stand in a table of their own,
-- like `registry`.

CREATE TABLE webhook (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    record text,
    PRIMARY KEY (kind, id)
);
CREATE INDEX webhook_by_version ON webhook (version);
