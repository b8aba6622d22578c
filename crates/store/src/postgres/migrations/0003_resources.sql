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

-- Nodes of releases before this step know nothing of resources, and may run beside newer ones. What such a node deletes
-- takes along here what newer nodes take along by themselves before they delete: then these triggers find nothing, at
-- the cost of a look into the primary key. The numbers are those of `crate::resource::Table`. An engine that distributes
-- has no triggers on tables that it copies to all of its nodes.

-- With a profile go the contacts that name it (3), reciprocal associations with it and with those contacts (5), and the
-- settings that it made or that are about it (6): what says so are rows in the scope of the profile. The record names the
-- organization beside what was there. Nobody tells whose request it was, so it says admin.
CREATE FUNCTION forget_profile() RETURNS trigger LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    own_organization text := substr(OLD.organization_id, length('amzn1.alexa.unit.did.') + 1);
    own_profile text := substr(OLD.id, length('amzn1.alexa.communications.profile.did.') + 1);
    nil uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    PERFORM FROM resource
    WHERE organization_id = own_organization AND kind IN (5, 6, 34, 37) AND scope = own_profile LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH about AS MATERIALIZED (
        SELECT kind, id, value FROM resource
        WHERE organization_id = own_organization AND kind IN (5, 6, 34, 37) AND scope = own_profile
    ), place (kind, scope, id) AS (
        SELECT kind, own_profile, id FROM about WHERE kind IN (5, 6)
        UNION SELECT 3, value, id FROM about WHERE kind = 34
        UNION SELECT 5, r.id, r.scope
            FROM about a JOIN resource r ON r.organization_id = own_organization AND r.kind = 36 AND r.scope = a.id
            WHERE a.kind = 34
        UNION SELECT 6, split_part(id, ':', 2), split_part(id, ':', 1) || ':' || own_profile FROM about WHERE kind = 37
    ), gone AS MATERIALIZED (
        SELECT r.kind, r.scope, r.id, r.value, row_number() OVER (ORDER BY r.kind, r.scope, r.id) - 1 AS number
        FROM place p JOIN resource r ON r.organization_id = own_organization
            AND r.kind = p.kind AND r.scope = p.scope AND r.id = p.id
    ), removed AS (
        DELETE FROM resource r USING (
            SELECT kind, scope, id FROM gone
            UNION ALL SELECT 34, own_profile, id FROM gone WHERE kind = 3
            UNION ALL SELECT 35, '', id FROM gone WHERE kind = 3
            UNION ALL SELECT 36, id, scope FROM gone WHERE kind = 5
            UNION ALL SELECT 37, split_part(id, ':', 2), split_part(id, ':', 1) || ':' || scope FROM gone WHERE kind = 6
        ) w
        WHERE r.organization_id = own_organization AND r.kind = w.kind AND r.scope = w.scope AND r.id = w.id
    ), fewer AS MATERIALIZED (
        SELECT scope AS book, count(*) AS contacts FROM gone WHERE kind = 3 GROUP BY scope
    ), counted AS (
        UPDATE resource r SET value = (r.value::bigint - f.contacts)::text FROM fewer f
        WHERE r.organization_id = own_organization AND r.kind = 39 AND r.scope = '3' AND r.id = f.book
            AND r.value::bigint > f.contacts
    ), emptied AS (
        DELETE FROM resource r USING fewer f
        WHERE r.organization_id = own_organization AND r.kind = 39 AND r.scope = '3' AND r.id = f.book
            AND r.value::bigint <= f.contacts
    ), batch AS MATERIALIZED (
        SELECT number, nextval('change_batch') * 4096 AS first
        FROM generate_series(0, (SELECT (count(*) - 1) / 4096 FROM gone)) AS number
    )
    INSERT INTO change
        (service_provider_id, sequence, time, actor, request_id, operation, kind, object_id, before)
    SELECT nil, b.first + g.number % 4096, now(), 'admin', nil, 'delete',
        CASE g.kind WHEN 3 THEN 'contact' WHEN 5 THEN 'reciprocal_association' ELSE 'contact_setting' END,
        CASE g.kind
            WHEN 3 THEN g.value::json->>'contactId'
            WHEN 5 THEN concat_ws(' ', g.value::json->>'profileId', g.value::json->>'contactId')
            ELSE concat_ws(' ', g.value::json->>'profileId', g.value::json->>'setting',
                g.value::json->>'alexaCommunicationProfileId')
        END,
        '{"organization":' || to_json(OLD.organization_id)::text || ',' || substr(g.value, 2)
    FROM gone g JOIN batch b ON b.number = g.number / 4096;
    RETURN NULL;
END
$$;

-- With an organization goes all that is its own, also in a reset. That it is gone says that these are.
CREATE FUNCTION forget_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM resource WHERE organization_id = substr(OLD.id, length('amzn1.alexa.unit.did.') + 1)
        RETURNING kind, id
    )
    DELETE FROM resource r USING gone g
    WHERE r.organization_id = '' AND r.kind = 38 AND r.scope = g.kind::text AND r.id = g.id AND g.kind IN (1, 2);
    RETURN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        CREATE TRIGGER forget_profile AFTER DELETE ON profile
            FOR EACH ROW EXECUTE FUNCTION forget_profile();
        CREATE TRIGGER forget_organization AFTER UPDATE ON registry FOR EACH ROW
            WHEN (OLD.kind = 'organization' AND OLD.record IS NOT NULL AND NEW.record IS NULL)
            EXECUTE FUNCTION forget_organization();
    END IF;
END
$$;
