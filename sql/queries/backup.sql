-- Backup and restore, as a superuser. All but the counting read the catalogue only.

-- name: versions
-- Of the server (as server_version_num), of TimescaleDB, and of the shape (newest migration).
-- index: none (the catalogue)
SELECT current_setting('server_version_num')::integer, (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       (SELECT max(name) FROM schema_migration)

-- name: tables
-- Tables of ours, by name.
-- index: none (the catalogue)
SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename

-- name: roles
-- Roles that a dump of this database names: owners, holders of rights, and who dumps.
-- index: none (the catalogue)
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace <> 'pg_catalog'::regnamespace
UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace
UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE left(nspname, 3) <> 'pg_'
UNION SELECT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
  WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION SELECT current_user
ORDER BY 1

-- name: existing_roles
-- index: none (the catalogue)
SELECT rolname FROM pg_roles

-- name: export_snapshot
-- What this transaction sees, for another session to see the same.
-- index: none (no table)
SELECT pg_export_snapshot()

-- name: anything_there
-- The first relation that is neither the server's nor an extension's: none in an empty database.
-- index: none (the catalogue)
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 1

-- name: offered_timescaledb
-- Whether the server can make TimescaleDB of this version.
-- index: none (the catalogue)
SELECT count(*) FROM pg_available_extension_versions WHERE name = 'timescaledb' AND version = %(version)s

-- name: present_timescaledb
-- The version of TimescaleDB in this database; no row where it has none.
-- index: none (the catalogue)
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'

-- name: pre_restore
-- index: none (no table)
SELECT timescaledb_pre_restore()

-- name: post_restore
-- index: none (no table)
SELECT timescaledb_post_restore()
