/**
 * A front: one HTTP server, its routes, and the engine behind them. The thread that runs it connects the engine and
 * passes on what the supervisor says; see the `engine` layer.
 */
import type { EngineClient } from '../engine/wire/messages.js';
import type { CurrencyTable } from '../ledger/currency.js';
import type { KeyTable } from './auth/key-table.js';
import type { AdmissionOptions } from './front/admission.js';
import { AdmissionControl } from './front/admission.js';
import { FrontHandler } from './front/handler.js';
import type { FrontCounters } from './metrics/counters.js';
import type { Metrics } from './metrics/metrics.js';
import type { FrontShard, Readiness } from './routes/context.js';
import { RouteContext } from './routes/context.js';
import type { HttpServer, Opened, ServerOptions } from './server/exchange.js';

export { KeyTable } from './auth/key-table.js';
export type { FrontShard, Readiness } from './routes/context.js';

export interface FrontOptions {
  /** `uws`: native, any number of fronts share the port. `node`: plain JavaScript, one front. */
  readonly server: 'uws' | 'node';
  readonly host: string;
  /**
   * 0: a free one. Whether the port is ours alone is not checked here, since `uws` fronts share it: that is seen to
   * before the first of them starts.
   */
  readonly port: number;
  readonly engine: EngineClient;
  readonly keys: KeyTable;
  /** By index; null while the shard has not said who it is. Must give the same object while nothing has changed. */
  readonly shard: (index: number) => FrontShard | null;
  readonly currencies: CurrencyTable;
  /** Requests under way at a time. */
  readonly inFlightMax: number;
  readonly admission: AdmissionOptions;
  /** Connections at a time; one more is closed as soon as it is made. Default 16,384. */
  readonly connectionsMax?: number;
  /** Bytes of bodies on their way in, over all connections. Default 64 MiB. */
  readonly bodyBytesMax?: number;
  readonly version: string;
  readonly readiness: () => Readiness;
  readonly counters: FrontCounters;
  readonly metrics: Metrics;
  /** A fault of ours, for the log. The client has been answered. */
  readonly onError: (error: unknown, doing: string) => void;
}

export interface Front {
  readonly port: number;
  /** Requests under way. */
  readonly inFlight: number;
  /**
   * Takes no new connections and requests, waits for those under way (at most `graceMs`, default 10 s) and closes. Must
   * be called on every way out: a thread that dies while it listens by `uws` takes the process with it. Idempotent.
   */
  close(graceMs?: number): Promise<void>;
  /** The same at once, whatever is under way. For the last moment of a thread. */
  abort(): void;
}

const CONNECTIONS_MAX = 16_384;
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const GRACE_MS = 10_000;

/** @throws PortInUseError */
export async function startFront(options: FrontOptions): Promise<Front> {
  const context = new RouteContext(options);
  const admission = new AdmissionControl({ ...options.admission, inFlightMax: options.inFlightMax });
  const handler = new FrontHandler({ context, keys: options.keys, admission, inFlightMax: options.inFlightMax });
  const { host, port, bodyBytesMax = BODY_BYTES_MAX, connectionsMax = CONNECTIONS_MAX } = options;
  const server = await startServer(options.server, { host, port, handler, bodyBytesMax, connectionsMax });
  return {
    port: server.port,
    get inFlight() {
      return handler.inFlight;
    },
    async close(graceMs = GRACE_MS) {
      server.stopListening();
      await withinTime(handler.drain(), graceMs);
      await server.close();
      admission.close();
    },
    abort() {
      void server.close();
    },
  };
}

/** The native library is loaded only where it is asked for. */
async function startServer<T extends Opened>(
  kind: FrontOptions['server'],
  options: ServerOptions<T>,
): Promise<HttpServer> {
  if (kind === 'node') return (await import('./server/node.js')).startNode(options);
  return (await import('./server/uws.js')).startUws(options);
}

function withinTime(work: Promise<void>, timeMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
