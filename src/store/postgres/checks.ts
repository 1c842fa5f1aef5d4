/** What a server must be before a shard is trusted to it, looked at once when the shard is taken. */
import type { Micros } from '../../ledger/record.js';
import { UnfitServerError } from '../errors.js';
import type { PgSession } from './session.js';

export interface ServerNeeds {
  readonly shard: string;
  readonly acceptLoss: boolean;
  /** What the writer's sessions are set to; undefined: the server's own. */
  readonly synchronousCommit: string | undefined;
  /** Connections that this owner still opens. */
  readonly connections: number;
}

const VERSION_MIN = 140_000;

/** @throws UnfitServerError naming what is wrong and what would be right */
export async function checkServer(session: PgSession, needs: ServerNeeds): Promise<void> {
  const [row] = await session.query(`
    SELECT current_setting('server_version_num')::int4 AS version, current_setting('server_version') AS version_name,
           current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS standby, pg_backend_pid() AS pid, current_setting('max_connections')::int4 AS connections_max,
           current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4
             - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int4 AS connections_free`);
  const refuse = (problem: string): never => {
    throw new UnfitServerError(`the server of shard "${needs.shard}" ${problem}`);
  };
  if (row === undefined) return refuse('does not describe itself');
  if (Number(row.version) < VERSION_MIN) refuse(`is Postgres ${String(row.version_name)}, must be 14 or newer`);
  if (row.standby === true) refuse('is a standby, must be the primary');
  if (row.encoding !== 'UTF8') refuse(`has databases in ${String(row.encoding)}, must be UTF8`);
  if (Number(row.pid) !== session.backendPid) {
    refuse('is reached through a pooling proxy, must be reached directly: the fence needs sessions of its own');
  }
  const lossy = [
    ['fsync', row.fsync],
    ['full_page_writes', row.full_page_writes],
    ['synchronous_commit', needs.synchronousCommit ?? row.synchronous_commit],
  ].filter(([, value]) => value === 'off');
  if (lossy.length > 0 && !needs.acceptLoss) {
    refuse(
      `has ${lossy.map(([name]) => `${String(name)}=off`).join(', ')}, so answered transactions can be lost; must be on, or durability.accept_loss must name that loss`,
    );
  }
  if (Number(row.connections_free) < needs.connections) {
    refuse(
      `has ${Number(row.connections_free)} of ${Number(row.connections_max)} connections free, must have ${needs.connections}: raise max_connections`,
    );
  }
}

/** The database's clock less this machine's, µs. */
export async function readClockOffset(session: PgSession): Promise<Micros> {
  const before = Date.now();
  const [row] = await session.query('SELECT clock_timestamp() AS now');
  const middle = (before + Date.now()) / 2;
  return Math.round(Number(row?.now) - middle * 1000);
}
