/**
 * What a PostgreSQL database must hold to carry a store, and the three functions through which it is used.
 * Owns: every line of SQL. Never: when they are called.
 *
 * C1 a write happens whole or not at all, because a call is one transaction; `synchronous_commit = off` does not apply
 *    to it, because what is answered must be durable;
 * L1 of two writes that check the same key, one waits until the other has ended and then sees what it did. A key that
 *    is there is held by a lock of its row, one that is absent by its place in the index. So all writes are as if one
 *    came after the other, while writes of different keys do not wait.
 *
 * Rows are held in the order of keys; where two writers still wait for each other, PostgreSQL ends one, which is tried
 * again as busy.
 *
 * A function is never changed: another form gets another number, so that workers of two versions can share a database.
 */
import type { Connection } from "./connection.ts";

/** What `wf_write_1` throws where a key that must be absent was written at the same moment. */
export const CHECK_FAILED = "WF001";

/** A lock of the server's for those who find no schema at the same moment: the letters `weft`. */
const MAKING = 0x77656674;

/** Makes what is missing. `schema` is a name that needs no quoting. */
export async function makeSchema(connection: Connection, schema: string): Promise<void> {
  const last = `${schema}.wf_write_1(bytea[], bigint[], bytea[], bytea[], bytea[], bytea[])`;
  const [row] = await connection.query(`select to_regprocedure('${last}')::text as version`);
  if (row?.version == null) await connection.query(statements(schema));
}

/** One message, so one transaction. */
const statements = (schema: string): string => `
  select pg_advisory_xact_lock(${MAKING});

  do $$ begin
    if to_regnamespace('${schema}') is null then create schema ${schema}; end if;
  end $$;

  create table if not exists ${schema}.wf_kv (
    key bytea primary key,
    value bytea not null,
    version bigint not null
  );

  create sequence if not exists ${schema}.wf_version;

  -- Plans are kept for as long as a connection lives, and the first were made for an empty table.
  create or replace function ${schema}.wf_read_1(keys bytea[])
  returns table (key bytea, value bytea, version bigint)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp set enable_seqscan = off
  as $$
  #variable_conflict use_column
  begin
    return query select k.key, k.value, k.version from ${schema}.wf_kv as k where k.key = any(keys);
  end $$;

  create or replace function ${schema}.wf_scan_1(low bytea, high bytea, most int, reverse boolean)
  returns table (key bytea, value bytea, version bigint)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  as $$
  #variable_conflict use_column
  begin
    if reverse then
      return query select k.key, k.value, k.version from ${schema}.wf_kv as k
        where k.key > low and k.key < high order by k.key desc limit most;
    else
      return query select k.key, k.value, k.version from ${schema}.wf_kv as k
        where k.key > low and k.key < high order by k.key limit most;
    end if;
  end $$;

  -- The keys of 'absent' are among those of 'put', whose keys are all different.
  create or replace function ${schema}.wf_write_1(
    present bytea[], versions bigint[], absent bytea[], put bytea[], put_values bytea[], gone bytea[]
  ) returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set lock_timeout = '2s'
  as $$
  declare
    fresh bigint := nextval('${schema}.wf_version');
    written bigint;
  begin
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'on', true);
    end if;

    perform from ${schema}.wf_kv as k where k.key = any(present || put || gone) order by k.key for update;

    -- A statement of its own, to see what was written while the one before waited.
    if exists (
      select from unnest(present, versions) as c (key, version)
      left join ${schema}.wf_kv as k on k.key = c.key
      where k.version is distinct from c.version
    ) or exists (select from ${schema}.wf_kv as k where k.key = any(absent)) then
      return null;
    end if;

    insert into ${schema}.wf_kv as k (key, value, version)
      select p.key, p.value, fresh from unnest(put, put_values) as p (key, value) order by p.key
      on conflict (key) do update set value = excluded.value, version = excluded.version
      where not excluded.key = any(absent);
    get diagnostics written = row_count;
    if written < cardinality(put) then
      raise exception 'A key that must be absent is there' using errcode = '${CHECK_FAILED}';
    end if;

    delete from ${schema}.wf_kv as k where k.key = any(gone);
    return fresh;
  end $$;
`;
