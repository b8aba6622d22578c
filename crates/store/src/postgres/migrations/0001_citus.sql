-- On Citus: what is small and read everywhere is on every node, the rest stands with its service provider.
SELECT create_reference_table('directory');
SELECT create_reference_table('registry');
SELECT create_reference_table('profile');
SELECT create_distributed_table('tenant', 'service_provider_id');
SELECT create_distributed_table('association', 'service_provider_id', colocate_with => 'tenant');
SELECT create_distributed_table('change', 'service_provider_id', colocate_with => 'tenant');

-- Citus routes no INSERT in a common table expression, and prunes no INSERT … SELECT with parameters. In a loop each
-- statement is one task on one shard.
CREATE OR REPLACE FUNCTION create_associations(
    provider uuid, own_slot smallint, ids text[], targets text[], owners text[],
    actors text[], requests uuid[], times timestamptz[]
) RETURNS smallint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    outcomes smallint[] := array_fill(1::smallint, ARRAY[cardinality(ids)]);
    profile_owners text[];
    organization text;
    first bigint;
    stored integer := 0;
    inserted integer;
BEGIN
    PERFORM pg_current_xact_id();
    SELECT organization_id INTO organization FROM tenant WHERE service_provider_id = provider AND slot = 0;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    profile_owners := owners_of_profiles(targets, array_remove(owners, NULL) <> '{}');
    first := nextval('change_batch') * 4096;
    FOR at IN 1 .. cardinality(ids) LOOP
        IF owners[at] IS NOT NULL AND profile_owners[at] IS DISTINCT FROM owners[at] THEN
            outcomes[at] := 2;
            CONTINUE;
        END IF;
        INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted)
        VALUES (provider, ids[at], targets[at], coalesce(profile_owners[at] = organization, false))
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS inserted = ROW_COUNT;
        IF inserted = 1 THEN
            outcomes[at] := 0;
            stored := stored + 1;
            INSERT INTO change
                (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, after)
            VALUES
                (provider, first + at - 1, times[at], actors[at], requests[at], 'create', 'association', ids[at],
                 targets[at]);
        END IF;
    END LOOP;
    PERFORM count_associations(provider, own_slot, stored);
    RETURN outcomes;
END
$$;
