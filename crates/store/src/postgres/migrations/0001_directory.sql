-- The directory: accounts, profiles, associations, counts and the change record.
--
-- Tables that grow with associations are keyed by the service provider first, so that an engine that distributes
-- them finds each hot statement's rows in one place. Ids compare by their bytes, as the API sorts them.

CREATE TABLE directory (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- From it every node derives the keys of tokens and hashes.
    root_key bytea NOT NULL,
    -- Counts changes of the registry; a node that knows a lower number reads what is newer.
    registry_version bigint NOT NULL DEFAULT 0,
    -- Highest sequence number of the changes that were forgotten.
    trimmed_to bigint NOT NULL DEFAULT 0
);

-- Organizations, clients, service providers and maintenance mode, as JSON. A record that was removed stays as NULL,
-- so that other nodes learn of it.
CREATE TABLE registry (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    record text,
    PRIMARY KEY (kind, id)
);
CREATE INDEX registry_by_version ON registry (version);

CREATE TABLE profile (
    id text COLLATE "C" PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    name text
);
CREATE UNIQUE INDEX profile_by_unit ON profile (unit_id);
CREATE INDEX profile_by_organization ON profile (organization_id, id);

-- A service provider has a fixed number of rows here, its slots; the sum over them is how many associations it has.
-- Writers that run side by side count in different slots, so that a busy provider has no row that all wait for. A
-- provider without rows is not there.
CREATE TABLE tenant (
    service_provider_id uuid NOT NULL,
    slot smallint NOT NULL,
    organization_id text COLLATE "C" NOT NULL,
    associations bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (service_provider_id, slot)
) WITH (fillfactor = 50);

CREATE TABLE association (
    service_provider_id uuid NOT NULL,
    external_user_id text COLLATE "C" NOT NULL,
    amazon_id text COLLATE "C" NOT NULL,
    -- Whether the organization had this profile as the association was written.
    counted boolean NOT NULL,
    PRIMARY KEY (service_provider_id, external_user_id)
);
CREATE INDEX association_by_profile ON association (service_provider_id, amazon_id) WHERE counted;

-- The sequence number is that of the batch times 4096, plus the place in the batch.
CREATE SEQUENCE change_batch;
CREATE TABLE change (
    -- All zeros where the change is about no provider.
    service_provider_id uuid NOT NULL,
    sequence bigint NOT NULL,
    time timestamptz NOT NULL,
    -- admin, seed, or the id of a client.
    actor text COLLATE "C" NOT NULL,
    request_id uuid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    before text,
    after text,
    PRIMARY KEY (service_provider_id, sequence)
);
CREATE INDEX change_by_sequence ON change (sequence);

-- The three writes of associations, each for a batch of one provider whose ids are sorted and without repeats. They
-- answer an outcome for each id: 0 done, 1 exists already (create) or is not there (update, delete), 2 the owner has
-- no such profile; or NULL when the provider is not there. The transaction has its number before it takes one for its
-- changes: readers of the change record rely on that order.

CREATE FUNCTION create_associations(
    provider uuid, own_slot smallint, ids text[], targets text[], owners text[],
    actors text[], requests uuid[], times timestamptz[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    outcomes smallint[] := array_fill(1::smallint, ARRAY[cardinality(ids)]);
    stored integer := 0;
    at integer := 0;
    batch bigint;
    line record;
BEGIN
    PERFORM pg_current_xact_id();
    FOR line IN
        INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted)
        SELECT t.service_provider_id, w.id, w.target, coalesce(p.organization_id = t.organization_id, false)
        FROM tenant t
        CROSS JOIN unnest(ids, targets, owners) WITH ORDINALITY AS w (id, target, owner, place)
        LEFT JOIN profile p ON p.id = w.target
        WHERE t.service_provider_id = provider AND t.slot = 0
          AND (w.owner IS NULL OR p.organization_id = w.owner)
        ORDER BY w.place
        ON CONFLICT DO NOTHING
        RETURNING external_user_id
    LOOP
        at := array_position(ids, line.external_user_id, at + 1);
        outcomes[at] := 0;
        stored := stored + 1;
    END LOOP;
    IF stored > 0 THEN
        batch := nextval('change_batch');
        INSERT INTO change (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, after)
        SELECT t.service_provider_id, batch * 4096 + w.place - 1, w.time, w.actor, w.request, 'create', 'association',
               w.id, w.target
        FROM tenant t
        CROSS JOIN unnest(ids, targets, actors, requests, times, outcomes) WITH ORDINALITY
            AS w (id, target, actor, request, time, outcome, place)
        WHERE t.service_provider_id = provider AND t.slot = 0 AND w.outcome = 0;
        UPDATE tenant SET associations = associations + stored
        WHERE service_provider_id = provider AND slot = own_slot;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the service provider went away' USING ERRCODE = 'JF001';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM tenant WHERE service_provider_id = provider AND slot = 0) THEN
        RETURN NULL;
    END IF;
    IF stored < cardinality(ids) AND array_remove(owners, NULL) <> '{}' THEN
        FOR line IN
            SELECT w.place
            FROM unnest(targets, owners, outcomes) WITH ORDINALITY AS w (target, owner, outcome, place)
            LEFT JOIN profile p ON p.id = w.target
            WHERE w.outcome = 1 AND w.owner IS NOT NULL AND p.organization_id IS DISTINCT FROM w.owner
        LOOP
            outcomes[line.place] := 2;
        END LOOP;
    END IF;
    RETURN outcomes;
END
$$;

CREATE FUNCTION update_associations(
    provider uuid, own_slot smallint, ids text[], targets text[], owners text[],
    actors text[], requests uuid[], times timestamptz[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    outcomes smallint[] := array_fill(1::smallint, ARRAY[cardinality(ids)]);
    -- What was there before; NULL where nothing was or nothing is to change.
    befores text[] := array_fill(NULL::text, ARRAY[cardinality(ids)]);
    changed integer := 0;
    at integer := 0;
    batch bigint;
    line record;
BEGIN
    PERFORM pg_current_xact_id();
    FOR line IN
        SELECT external_user_id, amazon_id FROM association
        WHERE service_provider_id = provider AND external_user_id = ANY (ids)
        ORDER BY external_user_id
        FOR UPDATE
    LOOP
        at := array_position(ids, line.external_user_id, at + 1);
        outcomes[at] := 0;
        IF line.amazon_id <> targets[at] THEN
            befores[at] := line.amazon_id;
            changed := changed + 1;
        END IF;
    END LOOP;
    IF at = 0 THEN
        IF NOT EXISTS (SELECT FROM tenant WHERE service_provider_id = provider AND slot = 0) THEN
            RETURN NULL;
        END IF;
        RETURN outcomes;
    END IF;
    IF array_remove(owners, NULL) <> '{}' THEN
        FOR line IN
            SELECT w.place
            FROM unnest(targets, owners, outcomes) WITH ORDINALITY AS w (target, owner, outcome, place)
            LEFT JOIN profile p ON p.id = w.target
            WHERE w.outcome = 0 AND w.owner IS NOT NULL AND p.organization_id IS DISTINCT FROM w.owner
        LOOP
            outcomes[line.place] := 2;
            befores[line.place] := NULL;
        END LOOP;
    END IF;
    IF changed > 0 THEN
        UPDATE association a
        SET amazon_id = w.target, counted = coalesce(p.organization_id = t.organization_id, false)
        FROM tenant t
        CROSS JOIN unnest(ids, targets, befores) AS w (id, target, before)
        LEFT JOIN profile p ON p.id = w.target
        WHERE a.service_provider_id = provider AND a.external_user_id = w.id AND w.before IS NOT NULL
          AND t.service_provider_id = provider AND t.slot = 0;
        batch := nextval('change_batch');
        INSERT INTO change
            (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, before, after)
        SELECT t.service_provider_id, batch * 4096 + w.place - 1, w.time, w.actor, w.request, 'update', 'association',
               w.id, w.before, w.target
        FROM tenant t
        CROSS JOIN unnest(ids, targets, actors, requests, times, befores) WITH ORDINALITY
            AS w (id, target, actor, request, time, before, place)
        WHERE t.service_provider_id = provider AND t.slot = 0 AND w.before IS NOT NULL;
    END IF;
    RETURN outcomes;
END
$$;

CREATE FUNCTION delete_associations(
    provider uuid, own_slot smallint, ids text[],
    actors text[], requests uuid[], times timestamptz[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    outcomes smallint[] := array_fill(1::smallint, ARRAY[cardinality(ids)]);
    befores text[] := array_fill(NULL::text, ARRAY[cardinality(ids)]);
    removed integer := 0;
    at integer;
    batch bigint;
    line record;
BEGIN
    PERFORM pg_current_xact_id();
    FOR line IN
        DELETE FROM association
        WHERE service_provider_id = provider AND external_user_id = ANY (ids)
        RETURNING external_user_id, amazon_id
    LOOP
        at := array_position(ids, line.external_user_id);
        outcomes[at] := 0;
        befores[at] := line.amazon_id;
        removed := removed + 1;
    END LOOP;
    IF removed > 0 THEN
        batch := nextval('change_batch');
        INSERT INTO change (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, before)
        SELECT t.service_provider_id, batch * 4096 + w.place - 1, w.time, w.actor, w.request, 'delete', 'association',
               w.id, w.before
        FROM tenant t
        CROSS JOIN unnest(ids, actors, requests, times, befores) WITH ORDINALITY
            AS w (id, actor, request, time, before, place)
        WHERE t.service_provider_id = provider AND t.slot = 0 AND w.before IS NOT NULL;
        UPDATE tenant SET associations = associations - removed
        WHERE service_provider_id = provider AND slot = own_slot;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the service provider went away' USING ERRCODE = 'JF001';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM tenant WHERE service_provider_id = provider AND slot = 0) THEN
        RETURN NULL;
    END IF;
    RETURN outcomes;
END
$$;
