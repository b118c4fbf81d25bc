import type { Ddl } from './migrate.ts';

/** What SQLite spells its way. */
export const sqliteDdl: Ddl = {
  text: 'TEXT',
  bytes: 'BLOB',
  refuse: ({ name, what, table, when, message }) => [
    `CREATE TRIGGER ${name} BEFORE ${what} ON ${table} WHEN ${when} BEGIN SELECT RAISE(ABORT, '${message}'); END`,
  ],
  tables: "SELECT name FROM sqlite_schema WHERE type = 'table'",
};

/** What PostgreSQL spells its way. Texts are in byte order, as in SQLite, whatever the database's own collation is. */
export const postgresDdl: Ddl = {
  text: 'TEXT COLLATE "C"',
  bytes: 'BYTEA',
  refuse: ({ name, what, table, when, message }) => [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF ${when} THEN RAISE EXCEPTION '${message}'; END IF;
      RETURN ${what === 'UPDATE' ? 'NEW' : 'OLD'}; END $$`,
    `CREATE TRIGGER ${name} BEFORE ${what} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  ],
  tables: 'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
};
