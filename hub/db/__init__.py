"""The database: engine, tables, migrations. Nothing outside this package knows which database it is."""
