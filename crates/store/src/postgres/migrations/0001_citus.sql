-- On Citus: what is small and read everywhere is on every node, the rest stands with its service provider.
SELECT create_reference_table('directory');
SELECT create_reference_table('registry');
SELECT create_reference_table('profile');
SELECT create_distributed_table('tenant', 'service_provider_id');
SELECT create_distributed_table('association', 'service_provider_id', colocate_with => 'tenant');
SELECT create_distributed_table('change', 'service_provider_id', colocate_with => 'tenant');
