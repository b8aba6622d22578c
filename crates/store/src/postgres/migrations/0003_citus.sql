-- Resources stand with their organization.
SELECT create_distributed_table('resource', 'organization_id');
