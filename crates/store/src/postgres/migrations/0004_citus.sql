SELECT create_reference_table('webhook');
