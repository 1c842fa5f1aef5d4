/**
 * The engine's process: takes the folder, brings up the databases, the threads and the control log, says how to use it,
 * and on SIGTERM puts everything down in the reverse order.
 */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ShardSpec } from '../../engine/supervisor/messages.js';
import { Supervisor } from '../../engine/supervisor/supervisor.js';
import { planTopology } from '../../engine/supervisor/topology.js';
import { newFrontCounters } from '../../http/metrics/counters.js';
import type { Config } from '../../platform/config/config.js';
import { DataFolderHeldError, messageOf } from '../../platform/errors.js';
import type { FolderLock } from '../../platform/lock.js';
import { callEngine, openLock } from '../../platform/lock.js';
import type { Log } from '../../platform/log.js';
import { VERSION } from '../../platform/version.js';
import type { EmbeddedServers } from '../../store/embedded/embedded.js';
import { startEmbedded } from '../../store/embedded/embedded.js';
import type { ShardPlace } from '../../store/open.js';
import { remindOfBackup } from '../backup/reminder.js';
import { archiveOf } from '../databases.js';
import { answerAdmin } from './admin.js';
import { printBanner } from './banner.js';
import { openControl } from './control.js';
import { ExitCode } from './exit-codes.js';
import { READY_MESSAGE } from './parent.js';
import { portObstacle } from './port-check.js';

export interface ServeOptions {
  readonly config: Config;
  readonly takeOver: boolean;
  readonly log: Log;
}

/** Small enough that a start reads the keys of an open partition in about a second. */
const PARTITION_RECORDS = 1 << 20;
/** Keys of closed partitions that a shard keeps whole in memory; older ones are behind filters. */
const RESIDENT_KEYS_MAX = 4 * PARTITION_RECORDS;

/** A reason not to start, as one line for the operator. */
class CannotStart extends Error {}

/** How long a starting engine waits for one that is stopping. */
const HELD_WAIT_MS = 15_000;
const HELD_LOOK_MS = 100;
/** What a stop may take at most; then the process ends as if it were killed, which is as safe. */
const STOP_MAX_MS = 60_000;
/** One Ctrl-C under `npm start` comes twice: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 1_000;

/** Runs the engine until it is told to stop. @returns the exit code */
export async function runEngine(options: ServeOptions): Promise<number> {
  const { config, log } = options;
  let lock: FolderLock | null = null;
  let servers: EmbeddedServers | null = null;
  const stop = stopSignal(log);
  try {
    lock = await lockFolder(config.dataDir);
    const obstacle = await portObstacle(config.http.host, config.http.port);
    if (obstacle !== null) throw new CannotStart(obstacle);
    servers = await startServers(config, log);
    remindOfBackup(config, log);
    const shards = shardSpecs(config, servers);
    const supervisor = createSupervisor(options, shards);
    servers?.onBack((name) => supervisor.databaseIsBack(shards.findIndex((shard) => shard.name === name)));
    await Promise.race([
      supervisor.start(),
      stop.requested.then(() => Promise.reject(new CannotStart('stopped while starting'))),
    ]);
    const control = await openControl({ config, supervisor, shards, log });
    lock.onRequest(answerAdmin({ control, supervisor, shards, draining: () => stop.isRequested }));
    const { port } = await supervisor.listen();
    await printBanner({ config, control, port, topology: supervisor.topology, out: process.stdout });
    process.send?.(READY_MESSAGE);
    await stop.requested;
    log.info('stopping: no new requests, finishing those in flight; another signal ends the engine at once');
    await supervisor.drain(() => control.close());
    await servers?.stop();
    await lock.close();
    log.info('stopped');
    return ExitCode.ok;
  } catch (error) {
    process.stderr.write(`millrace: ${messageOf(error)}\n`);
    await servers?.stop().catch(() => undefined);
    await lock?.close().catch(() => undefined);
    return ExitCode.unavailable;
  }
}

/** Waits for an engine that is stopping; refuses beside one that is not. */
async function lockFolder(folder: string): Promise<FolderLock> {
  const until = performance.now() + HELD_WAIT_MS;
  for (;;) {
    try {
      return await openLock(folder);
    } catch (error) {
      if (!(error instanceof DataFolderHeldError) || performance.now() > until || !(await isStopping(folder)))
        throw error;
      await new Promise((resolve) => setTimeout(resolve, HELD_LOOK_MS));
    }
  }
}

async function isStopping(folder: string): Promise<boolean> {
  try {
    const status = (await callEngine(folder, { do: 'engine.status' })) as { readonly draining?: boolean };
    return status.draining === true;
  } catch {
    // It went away between our two questions: the folder is free now, or will be.
    return true;
  }
}

function startServers(config: Config, log: Log): Promise<EmbeddedServers | null> {
  if (config.store.kind !== 'embedded') return Promise.resolve(null);
  const names = config.shards.map(({ name }) => name);
  const settings = { synchronous_commit: config.durability.synchronousCommit };
  return startEmbedded({ folder: config.dataDir, names, settings, archive: archiveOf(config), log });
}

function shardSpecs(config: Config, servers: EmbeddedServers | null): ShardSpec[] {
  return config.shards.map((shard, index) => ({
    shard: index,
    name: shard.name,
    slots: shard.slots,
    place: placeOf(config, shard.name, shard.url ?? servers?.urls[shard.name] ?? null),
  }));
}

function placeOf(config: Config, name: string, url: string | null): ShardPlace {
  if (config.store.kind === 'pglite') {
    const folder = join(config.dataDir, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return { kind: 'pglite', folder };
  }
  if (url === null) throw new CannotStart(`shard ${name} has no database`);
  return { kind: 'postgres', url };
}

function createSupervisor({ config, takeOver, log }: ServeOptions, shards: readonly ShardSpec[]): Supervisor {
  const oneFront = config.http.server === 'node';
  const topology = planTopology({
    shards: shards.length,
    cores: availableParallelism(),
    fronts: oneFront ? 1 : config.http.threads,
    workers: config.workers.threads,
  });
  return new Supervisor({
    topology,
    shards,
    settings: {
      customCurrencies: config.currencies.custom,
      keyWindow: config.keys.windowMicros,
      keysMax: config.keys.keysMax,
      keysGuaranteed: config.keys.guaranteed,
      accountsMax: config.limits.accountsMax,
      openHoldsMax: config.limits.openHoldsMax,
      holdDefault: config.limits.holdDefaultMicros,
      backdatingMax: config.limits.backdatingMaxMicros,
    },
    bounds: {
      batchRecordsMax: config.batch.recordsMax,
      batchBytesMax: config.batch.bytesMax,
      parkedMax: config.inFlightMax,
      residentKeysMax: Math.min(config.keys.keysMax, RESIDENT_KEYS_MAX),
      foldLagMax: config.folds.lagRecordsMax,
    },
    ringBytes: config.ring.bytes,
    commitDeadlineMs: config.durability.commitDeadlineMs,
    durability: config.durability,
    partitionRecords: PARTITION_RECORDS,
    takeOver,
    frontEntry: new URL('../../http/front/thread.js', import.meta.url),
    foldEntry: new URL('../../folds/thread.js', import.meta.url),
    frontConfig: {
      server: config.http.server,
      inFlightMax: config.inFlightMax,
      connectionsMax: config.http.connections_max,
      admission: config.admission,
      version: VERSION,
    },
    frontCounters: newFrontCounters(topology.fronts),
    host: config.http.host,
    port: config.http.port,
    log,
  });
}

interface StopSignal {
  readonly requested: Promise<void>;
  readonly isRequested: boolean;
}

/** The first signal (or the parent's death) asks for a stop; another one later on ends the process at once. */
function stopSignal(log: Log): StopSignal {
  let isRequested = false;
  let requestedMs = 0;
  const requested = new Promise<void>((resolve) => {
    const ask = (): void => {
      if (isRequested) {
        if (performance.now() - requestedMs < SAME_SIGNAL_MS) return;
        // Not process.exit: a thread that listens with uWebSockets.js aborts on that. A kill is what every part is made for.
        process.kill(process.pid, 'SIGKILL');
      }
      isRequested = true;
      requestedMs = performance.now();
      setTimeout(() => {
        log.error(`not stopped after ${STOP_MAX_MS} ms; ending at once`);
        process.kill(process.pid, 'SIGKILL');
      }, STOP_MAX_MS).unref();
      resolve();
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
    process.once('disconnect', () => {
      if (!isRequested) ask();
    });
  });
  return {
    requested,
    get isRequested() {
      return isRequested;
    },
  };
}
