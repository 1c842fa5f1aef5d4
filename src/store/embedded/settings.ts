/** Settings of the servers that Millrace runs itself. */
import { totalmem } from 'node:os';

const MIB = 1 << 20;

/**
 * For a ledger: everything that guards an answer is on. Checkpoints come so often that what a server runs again after a
 * crash takes a second or two: each makes the next change of every page dearer, a tenth more of its log where postings go
 * all over a million accounts; in rate and latency no difference was beyond the noise (docs/tuning.md).
 */
export function defaultSettings(servers: number): Readonly<Record<string, string>> {
  const share = Math.floor(totalmem() / MIB / 8 / Math.max(1, servers));
  const sharedBuffersMib = Math.min(512, Math.max(64, share));
  return {
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    shared_buffers: `${sharedBuffersMib}MB`,
    wal_buffers: '16MB',
    max_wal_size: '512MB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    // That they come by size is as it should be.
    checkpoint_warning: '0',
    max_connections: '100',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] ',
    // The only way in is the socket, in a folder that is the server's own.
    listen_addresses: '',
    unix_socket_permissions: '0700',
  };
}
