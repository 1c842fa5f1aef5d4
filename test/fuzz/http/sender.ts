/**
 * A merchant on one engine, as a fuzzer sees it: sends templates, judges what comes back, and keeps the books of what
 * its answers explain. Whatever was refused without being remembered must leave no record, so the merchant's sequence
 * tells of any request that had an effect which its answer denied.
 */
import { isUnusual, type Judged, judged, type Witnesses } from './judge.js';
import { filledIn, type Meaning, TRANSACTIONS } from './names.js';
import { Connection } from './socket.js';

export interface Identity {
  readonly key: string;
  readonly mark: string;
  readonly vault: string;
  readonly farVault: string;
}

export class Sender {
  readonly connection: Connection;
  readonly transactions: string[] = [];
  foreignTransaction = 'txn_00000000000000000000000000';
  #token = '';
  #cursor = '';
  #made = 0;
  /** Of the last record that an answer showed. */
  #sequence = 0;
  /** Records since then that answers admit without showing them. */
  #admitted = 0;
  /** Something was sent of which nobody can say what became of it, or when. */
  #unsure = false;

  constructor(
    port: number,
    readonly identity: Identity,
    readonly witnesses: Witnesses,
  ) {
    this.connection = new Connection(port);
  }

  get meaning(): Meaning {
    const first = this.transactions[0] ?? '';
    const { key, mark, vault, farVault } = this.identity;
    return {
      key,
      mark,
      vault,
      farVault,
      token: this.#token,
      cursor: this.#cursor,
      transactions: this.transactions,
      foreignTransaction: this.foreignTransaction,
      // One digit of another: no record stands behind it.
      unknownTransaction: first.slice(0, -1) + (first.endsWith('0') ? '1' : '0'),
    };
  }

  /** On the sender's own connection, one after the other. */
  async send(template: string): Promise<Judged> {
    return this.#take(template, this.connection);
  }

  /** On a connection of its own, which ends with it. */
  async sendAlone(template: string): Promise<Judged> {
    const connection = new Connection(this.connection.port);
    try {
      return await this.#take(template, connection);
    } finally {
      connection.close();
    }
  }

  async #take(template: string, connection: Connection): Promise<Judged> {
    const sent = filledIn(template, this.meaning);
    const answer = judged(sent, await connection.ask(sent), this.witnesses);
    this.#learn(template, answer);
    return answer;
  }

  /** Sends a posting that must succeed and looks whether nothing but what answers admitted came before it. */
  async probe(template: string): Promise<Judged> {
    const before = { sequence: this.#sequence, admitted: this.#admitted };
    // Not among those that are fuzzed: nothing but witnesses may touch its accounts.
    const known = [...this.transactions];
    const answer = await this.send(template);
    this.transactions.splice(0, Number.POSITIVE_INFINITY, ...known);
    if (answer.status !== 201) throw new Error(`the witness posting was refused: ${answer.status} ${answer.text}`);
    const unexplained = answer.body.sequence - before.sequence - 1 - before.admitted;
    if (unexplained > 0 && !this.#unsure)
      throw new Error(`${unexplained} records since the last witness that no answer admits`);
    return answer;
  }

  #learn(template: string, answer: Judged): void {
    const { status, body, headers } = answer;
    this.#token = headers.get('consistency-token') ?? this.#token;
    // The first one stays: where lists are at different places, so would their cursors be.
    if (this.#cursor === '' && typeof body?.next_cursor === 'string') this.#cursor = body.next_cursor;
    if (status === 0 || status === 503) {
      // What is no whole request, or the wrong one, is not run; of all else nobody said what became of it.
      if (status === 503 || isUnusual(template)) this.#unsure = true;
      return;
    }
    if (!/^(?:POST|PATCH) /.test(template) || headers.get('idempotency-replayed') === 'true') return;
    this.#note(body, status);
  }

  // biome-ignore lint/suspicious/noExplicitAny: fits the document, as was checked
  #note(body: any, status: number): void {
    if (body === null || status >= 300) {
      if (body?.final === true) this.#shown(body.sequence);
      return;
    }
    if (!Array.isArray(body.data)) {
      this.#noteRecord(body);
      return;
    }
    // Accounts that are opened together are followed by a record of the batch.
    this.#admitted++;
    for (const item of body.data) {
      if (item.replayed === true) continue;
      if (item.error?.final === true) this.#shown(item.error.sequence);
      else if (item.error?.outcome === 'unknown' || item.error?.status === 503)
        this.#admitted = Number.POSITIVE_INFINITY;
      else if (item.error === undefined) this.#noteRecord(item.transaction ?? item);
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: fits the document, as was checked
  #noteRecord(record: any): void {
    // An account's settings do not say where their record stands.
    if (record.legs === undefined) this.#admitted++;
    if (typeof record.id !== 'string') return;
    this.#shown(record.sequence);
    this.transactions[this.#made++ % TRANSACTIONS] = record.id;
  }

  #shown(sequence: number | undefined): void {
    if (sequence === undefined) {
      this.#admitted++;
      return;
    }
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    this.#admitted = 0;
  }
}
