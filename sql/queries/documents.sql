-- What docs/schema.md says, from the catalogue of a migrated database, as its superuser.

-- name: tables
-- Tables and views of ours by name, with what they hold.
-- index: none (the catalogue)
SELECT relname, coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = pg_class.oid AND d.deptype = 'e')
ORDER BY relname

-- name: writers
-- The roles that may write a table, and what they may do. Owner and superuser are left out.
-- index: none (the catalogue)
SELECT grantee, string_agg(lower(privilege_type), ', ' ORDER BY privilege_type)
FROM information_schema.role_table_grants
WHERE table_schema = 'public' AND table_name = %(table)s AND privilege_type <> 'SELECT'
  AND grantee LIKE 'wanghuo%%' AND grantee <> 'wanghuo_owner'
GROUP BY grantee ORDER BY grantee

-- name: columns
-- The columns of a table in their order: name, type, what they are if nobody says, comment.
-- index: none (the catalogue)
SELECT a.attname, replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
       CASE WHEN a.attidentity <> '' THEN 'counted up' WHEN d.adbin IS NOT NULL THEN regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::[a-z]+(\[\])?$', '')
            WHEN a.attnotnull OR c.relkind = 'v' THEN '' ELSE 'null' END,
       coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass('public.' || quote_ident(%(table)s)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: rules
-- Keys, references, checks and further indexes of a table, by name.
-- index: none (the catalogue)
SELECT name, definition FROM (
  SELECT conname::text, pg_get_constraintdef(oid, true) FROM pg_constraint
  WHERE conrelid = to_regclass('public.' || quote_ident(%(table)s)) AND contype IN ('p', 'f', 'u', 'c')
  UNION ALL
  SELECT i.indexrelid::regclass::text,
         regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON \S+ USING btree ', 'INDEX \1')
  FROM pg_index i
  WHERE i.indrelid = to_regclass('public.' || quote_ident(%(table)s))
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
) AS rules (name, definition)
ORDER BY name COLLATE "C"
