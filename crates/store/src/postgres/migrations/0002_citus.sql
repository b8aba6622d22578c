SELECT create_reference_table('admin_token');
