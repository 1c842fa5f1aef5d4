/**
 * Bare COPY: rows of the engine's own log go back into tables of the same definition, on the same servers, over as many
 * connections and with as many rows a commit as the engine used, from buffers that are ready. What the store could take
 * if nobody had to decide anything. Only the positions are written anew for each batch, since their index is unique.
 */
import { once } from 'node:events';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** Rows of one table's partition, as the engine has it. */
const PARTITION_ROWS = 1 << 20;
const PARTITIONS = 24;
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
  readonly #buffers: readonly RowBuffer[];

  private constructor(clients: readonly pg.Client[], rowsPerCommit: number, buffers: readonly RowBuffer[]) {
    this.#clients = clients;
    this.#rowsPerCommit = rowsPerCommit;
    this.#buffers = buffers;
  }

  /** @param urls of the engine's databases, each with postings in its log */
  static async open(urls: readonly string[], rowsPerCommit: number): Promise<BareCopy> {
    const clients = await Promise.all(
      urls.map(async (connectionString) => {
        const client = new pg.Client({ connectionString, application_name: 'bench copy' });
        client.on('error', () => undefined);
        await client.connect();
        await client.query(`SET search_path TO ${SCHEMA}`);
        return client;
      }),
    );
    const buffers = await Promise.all(clients.map((client) => readRows(client, rowsPerCommit)));
    return new BareCopy(clients, rowsPerCommit, buffers);
  }

  /** One round on empty tables. */
  async run(durationS: number): Promise<CopyResult> {
    await Promise.all(this.#clients.map(makeTables));
    const startedAt = performance.now();
    const until = startedAt + durationS * 1000;
    const commits = await Promise.all(
      this.#clients.map((client, index) => this.#load(client, this.#buffers[index] as RowBuffer, until)),
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

  async #load(client: pg.Client, rows: RowBuffer, until: number): Promise<number> {
    const most = Math.floor((PARTITION_ROWS * PARTITIONS) / this.#rowsPerCommit) - 1;
    let commits = 0;
    while (performance.now() < until && commits < most) {
      const stream = client.query(copyFrom('COPY log FROM STDIN (FORMAT binary)'));
      stream.end(rows.startingAt(1 + commits * this.#rowsPerCommit));
      await once(stream, 'finish');
      commits++;
    }
    return commits;
  }
}

async function makeTables(client: pg.Client): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_, number) => {
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
async function readRows(client: pg.Client, count: number): Promise<RowBuffer> {
  const stream = client.query(
    copyTo(`COPY (SELECT * FROM (SELECT * FROM millrace.log WHERE kind = 1 ORDER BY position DESC LIMIT ${count}) l ORDER BY position)
            TO STDOUT (FORMAT binary)`),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return new RowBuffer(Buffer.concat(chunks), count);
}

/** A binary COPY whose first column, an int8, can be numbered anew. */
export class RowBuffer {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where each row's position stands. */
  readonly #places: readonly number[];

  /** @param copied what COPY TO gave: at least one row */
  constructor(copied: Buffer, count: number) {
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
