/**
 * Bare COPY: rows of the engine's own log go back into tables of the same definition, on the same servers, over as many
 * connections and with as many rows a commit as the engine used, from buffers that are ready. What the store could take
 * if nobody had to decide anything. Only the positions are written anew for each batch, since their index is unique.
 *
 * A commit is one COPY, or several in one message, as the engine sends them.
 */
import { once } from 'node:events';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** Rows of one table's partition, as the engine has it. */
const PARTITION_ROWS = 1 << 20;
/** One for each second, which is more than a connection fills, and one more. */
const PARTITIONS_MAX = 24;
const SCHEMA = 'bench_copy';
const HEADER_BYTES = 19;

export interface CopyResult {
  readonly rows: number;
  readonly seconds: number;
  readonly commits: number;
}

export class BareCopy {
  readonly #clients: readonly pg.Client[];
  readonly #rowsPerCommit: number;
  /** For each client, one for each COPY of a commit. */
  readonly #buffers: readonly (readonly RowBuffer[])[];

  private constructor(clients: readonly pg.Client[], buffers: readonly (readonly RowBuffer[])[]) {
    this.#clients = clients;
    this.#rowsPerCommit = (buffers[0] ?? []).reduce((sum, { count }) => sum + count, 0);
    this.#buffers = buffers;
  }

  /**
   * @param urls of the engine's databases, each with postings in its log
   * @param rowsPerCopy a commit is as many COPYs as it takes, all of the same length
   */
  static async open(urls: readonly string[], rowsPerCommit: number, rowsPerCopy = rowsPerCommit): Promise<BareCopy> {
    const copies = Math.ceil(rowsPerCommit / rowsPerCopy);
    const clients = await Promise.all(
      urls.map(async (connectionString) => {
        const client = new pg.Client({ connectionString, application_name: 'bench copy' });
        client.on('error', () => undefined);
        await client.connect();
        await client.query(`SET search_path TO ${SCHEMA}`);
        return client;
      }),
    );
    const rows = Math.max(1, Math.round(rowsPerCommit / copies));
    const buffers = await Promise.all(
      clients.map(async (client) => {
        const copied = await readRows(client, rows);
        return Array.from({ length: copies }, () => new RowBuffer(copied, rows));
      }),
    );
    return new BareCopy(clients, buffers);
  }

  /** One round on empty tables. */
  async run(durationS: number): Promise<CopyResult> {
    const partitions = Math.min(PARTITIONS_MAX, Math.ceil(durationS) + 1);
    await Promise.all(this.#clients.map((client) => makeTables(client, partitions)));
    const startedAt = performance.now();
    const until = startedAt + durationS * 1000;
    const commits = await Promise.all(
      this.#clients.map((client, index) => this.#load(client, this.#buffers[index] ?? [], until, partitions)),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const sum = commits.reduce((total, one) => total + one, 0);
    return { rows: sum * this.#rowsPerCommit, seconds, commits: sum };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) {
      await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`).catch(() => undefined);
      await client.end().catch(() => undefined);
    }
  }

  async #load(client: pg.Client, copies: readonly RowBuffer[], until: number, partitions: number): Promise<number> {
    const statement = copies.map(() => 'COPY log FROM STDIN (FORMAT binary)').join('; ');
    const most = Math.floor((PARTITION_ROWS * partitions) / this.#rowsPerCommit) - 1;
    const { connection } = client as unknown as { readonly connection: Wire };
    let next = 1;
    let commits = 0;
    while (performance.now() < until && commits < most) {
      const stream = client.query(copyFrom(statement));
      // The server takes what comes when it has come to the statement: all of it leaves at once.
      connection.stream.cork();
      for (const [index, rows] of copies.entries()) {
        const bytes = rows.startingAt(next);
        next += rows.count;
        if (index < copies.length - 1) writeCopy(connection, bytes);
        else stream.end(bytes);
      }
      connection.stream.uncork();
      await once(stream, 'finish');
      commits++;
    }
    return commits;
  }
}

/** What the driver hides. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void; write(bytes: Uint8Array): void };
  endCopyFrom(): void;
}

/** A COPY that is not the last of its message, which is the driver's to write. */
function writeCopy(connection: Wire, bytes: Buffer): void {
  const head = Buffer.from([0x64, 0, 0, 0, 0]);
  head.writeInt32BE(4 + bytes.length, 1);
  connection.stream.write(head);
  connection.stream.write(bytes);
  connection.endCopyFrom();
}

async function makeTables(client: pg.Client, count: number): Promise<void> {
  const partitions = Array.from({ length: count }, (_, number) => {
    const first = number * PARTITION_ROWS + 1;
    const table = `log_p${number}`;
    return `
      CREATE TABLE ${table} PARTITION OF log FOR VALUES FROM (${first}) TO (${first + PARTITION_ROWS});
      CREATE UNIQUE INDEX ${table}_position ON ${table} (position);
      CREATE INDEX ${table}_parent ON ${table} (parent, position) WHERE parent IS NOT NULL;
      CREATE INDEX ${table}_account ON ${table} (debit) WHERE kind = 9;
      CREATE INDEX ${table}_configured ON ${table} (position) WHERE kind = 16;`;
  });
  await client.query(`
    DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE;
    CREATE SCHEMA ${SCHEMA};
    CREATE TABLE log (LIKE millrace.log INCLUDING DEFAULTS) PARTITION BY RANGE (position);
    ${partitions.join('')}`);
}

/** The last postings of the log, as many as a commit has; repeated where there are fewer. */
async function readRows(client: pg.Client, count: number): Promise<Buffer> {
  const stream = client.query(
    copyTo(`COPY (SELECT * FROM (SELECT * FROM millrace.log WHERE kind = 1 ORDER BY position DESC LIMIT ${count}) l ORDER BY position)
            TO STDOUT (FORMAT binary)`),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A binary COPY whose first column, an int8, can be numbered anew. */
export class RowBuffer {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where each row's position stands. */
  readonly #places: readonly number[];

  /** @param copied what COPY TO gave: at least one row */
  constructor(
    copied: Buffer,
    readonly count: number,
  ) {
    const ends = rowEnds(copied);
    const rows: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const row = index % (ends.length - 1);
      rows.push(copied.subarray(ends[row], ends[row + 1]));
    }
    this.#bytes = Buffer.concat([copied.subarray(0, HEADER_BYTES), ...rows, Buffer.from('ffff', 'hex')]);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    let at = HEADER_BYTES;
    this.#places = rows.map((row) => {
      const place = at + 6;
      at += row.length;
      return place;
    });
  }

  startingAt(position: number): Buffer {
    let next = position;
    for (const place of this.#places) {
      this.#view.setUint32(place, Math.floor(next / 2 ** 32));
      this.#view.setUint32(place + 4, next >>> 0);
      next++;
    }
    return this.#bytes;
  }
}

/** Where the first row begins and where each ends. */
function rowEnds(copied: Buffer): number[] {
  let at = HEADER_BYTES;
  const ends = [at];
  for (;;) {
    const fields = copied.readInt16BE(at);
    if (fields === -1) break;
    at += 2;
    for (let field = 0; field < fields; field++) at += 4 + Math.max(0, copied.readInt32BE(at));
    ends.push(at);
  }
  if (ends.length === 1) throw new Error('there is no row to copy');
  return ends;
}
