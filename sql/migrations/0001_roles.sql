-- Roles: the owner of the tables, and one role for every writer. A service may write its own tables and read the others'.
-- Roles belong to the whole cluster: another database of it may have made them already.
CREATE EXTENSION IF NOT EXISTS timescaledb;

DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['wanghuo_owner', 'wanghuo_ingest', 'wanghuo_alerts', 'wanghuo_registry', 'wanghuo_console',
                              'wanghuo_reader']
  LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
  EXECUTE format('GRANT wanghuo_owner TO %I', current_user);
  EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO wanghuo_owner', current_database());
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO wanghuo_ingest', current_database());
END
$$;

GRANT CREATE, USAGE ON SCHEMA public TO wanghuo_owner;
GRANT USAGE ON SCHEMA public TO wanghuo_ingest, wanghuo_alerts, wanghuo_registry, wanghuo_console, wanghuo_reader;

-- What the owner makes from here on, every service may read.
ALTER DEFAULT PRIVILEGES FOR ROLE wanghuo_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO wanghuo_ingest, wanghuo_alerts, wanghuo_registry, wanghuo_console, wanghuo_reader;
