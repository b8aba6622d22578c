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
-- no such profile; or NULL when the provider is not there. Each of their statements names the provider, so that an
-- engine that distributes runs it in one place. The transaction has its number before it takes one for its changes:
-- readers of the change record rely on that order. Who removes a provider removes its slots: a write that finds its
-- slot gone at the end takes back all it did.

CREATE FUNCTION create_associations(
    provider uuid, own_slot smallint, ids text[], targets text[], owners text[],
    actors text[], requests uuid[], times timestamptz[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    outcomes smallint[];
    profile_owners text[];
    organization text;
    first bigint;
    inserted integer;
BEGIN
    PERFORM pg_current_xact_id();
    SELECT organization_id INTO organization FROM tenant WHERE service_provider_id = provider AND slot = 0;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    profile_owners := owners_of_profiles(targets, array_remove(owners, NULL) <> '{}');
    first := nextval('change_batch') * 4096;
    -- In the order of the ids, so that batches that meet wait for each other in one order.
    WITH asked AS MATERIALIZED (
        SELECT a.*,
            a.owner IS NULL OR profile_owners[a.place] IS NOT DISTINCT FROM a.owner AS allowed,
            coalesce(profile_owners[a.place] = organization, false) AS counted
        FROM unnest(ids, targets, owners, actors, requests, times)
            WITH ORDINALITY AS a (id, target, owner, actor, request, time, place)
    ), stored AS (
        INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted)
        SELECT provider, a.id, a.target, a.counted FROM asked a WHERE a.allowed
        ON CONFLICT DO NOTHING
        RETURNING external_user_id
    ), recorded AS (
        INSERT INTO change
            (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, after)
        SELECT provider, first + a.place - 1, a.time, a.actor, a.request, 'create', 'association', a.id, a.target
        FROM asked a JOIN stored s ON s.external_user_id = a.id
        RETURNING object_id
    )
    SELECT array_agg(CASE WHEN r.object_id IS NOT NULL THEN 0 WHEN a.allowed THEN 1 ELSE 2 END ORDER BY a.place),
        count(r.object_id)
    INTO outcomes, inserted
    FROM asked a LEFT JOIN recorded r ON r.object_id = a.id;
    PERFORM count_associations(provider, own_slot, inserted);
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
    profile_owners text[];
    organization text;
    first bigint;
    found_at integer := 0;
    befores text[];
    own_id text;
    own_target text;
    own_counted boolean;
    line record;
BEGIN
    PERFORM pg_current_xact_id();
    SELECT organization_id INTO organization FROM tenant WHERE service_provider_id = provider AND slot = 0;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    profile_owners := owners_of_profiles(targets, array_remove(owners, NULL) <> '{}');
    first := nextval('change_batch') * 4096;
    FOR line IN
        SELECT external_user_id, amazon_id FROM association
        WHERE service_provider_id = provider AND external_user_id = ANY (ids)
        ORDER BY external_user_id
        FOR UPDATE
    LOOP
        found_at := array_position(ids, line.external_user_id, found_at + 1);
        befores[found_at] := line.amazon_id;
    END LOOP;
    FOR at IN 1 .. cardinality(ids) LOOP
        CONTINUE WHEN befores[at] IS NULL;
        IF owners[at] IS NOT NULL AND profile_owners[at] IS DISTINCT FROM owners[at] THEN
            outcomes[at] := 2;
            CONTINUE;
        END IF;
        outcomes[at] := 0;
        CONTINUE WHEN befores[at] = targets[at];
        -- Plain variables: Citus 13 ends its session at an element of an array here.
        own_id := ids[at];
        own_target := targets[at];
        own_counted := coalesce(profile_owners[at] = organization, false);
        UPDATE association SET amazon_id = own_target, counted = own_counted
        WHERE service_provider_id = provider AND external_user_id = own_id;
        INSERT INTO change
            (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, before, after)
        VALUES
            (provider, first + at - 1, times[at], actors[at], requests[at], 'update', 'association', ids[at],
             befores[at], targets[at]);
    END LOOP;
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
    first bigint;
    removed integer := 0;
    befores text[];
    line record;
BEGIN
    PERFORM pg_current_xact_id();
    PERFORM FROM tenant WHERE service_provider_id = provider AND slot = 0;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    first := nextval('change_batch') * 4096;
    FOR line IN
        DELETE FROM association
        WHERE service_provider_id = provider AND external_user_id = ANY (ids)
        RETURNING external_user_id, amazon_id
    LOOP
        befores[array_position(ids, line.external_user_id)] := line.amazon_id;
    END LOOP;
    FOR at IN 1 .. cardinality(ids) LOOP
        CONTINUE WHEN befores[at] IS NULL;
        outcomes[at] := 0;
        removed := removed + 1;
        INSERT INTO change
            (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, before)
        VALUES
            (provider, first + at - 1, times[at], actors[at], requests[at], 'delete', 'association', ids[at],
             befores[at]);
    END LOOP;
    PERFORM count_associations(provider, own_slot, -removed);
    RETURN outcomes;
END
$$;

-- The organization of each profile; NULL where there is no such profile. Held ones stay until the transaction ends.
CREATE FUNCTION owners_of_profiles(ids text[], hold boolean) RETURNS text[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    owners text[];
    line record;
BEGIN
    IF hold THEN
        PERFORM FROM profile WHERE id = ANY (ids) FOR KEY SHARE;
    END IF;
    FOR line IN
        SELECT w.place, p.organization_id
        FROM unnest(ids) WITH ORDINALITY AS w (id, place)
        JOIN profile p ON p.id = w.id
    LOOP
        owners[line.place] := line.organization_id;
    END LOOP;
    RETURN owners;
END
$$;

CREATE FUNCTION count_associations(provider uuid, own_slot smallint, more integer) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF more = 0 THEN
        RETURN;
    END IF;
    UPDATE tenant SET associations = associations + more
    WHERE service_provider_id = provider AND slot = own_slot;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the service provider went away' USING ERRCODE = 'JF001';
    END IF;
END
$$;
