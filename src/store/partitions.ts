/**
 * Partitions of the log: made before they are needed, closed when they are full. Partition p holds the positions
 * p·n + 1 to (p + 1)·n.
 */
import type { Position } from '../ledger/record.js';
import type { Session } from './session.js';

export class Partitions {
  readonly #records: number;
  /** The last position that there is a partition for. */
  #end: Position = 0;
  /** Partitions below this are closed. */
  #closed = 0;

  constructor(records: number) {
    this.#records = records;
  }

  /** True if all positions up to `last` have a partition. */
  covers(last: Position): boolean {
    return last <= this.#end;
  }

  /** True when the end is less than one partition away, or a full one is not closed yet. */
  isDue(head: Position): boolean {
    return head + this.#records > this.#end || Math.floor(head / this.#records) > this.#closed;
  }

  /** Makes what positions up to one partition beyond `last` need; closes what `head` has filled. May be done again. */
  async prepare(session: Session, head: Position, last: Position): Promise<void> {
    if (this.#end === 0) {
      const [row] = await session.query('SELECT coalesce(max(end_position) - 1, 0) AS last FROM log_partition');
      this.#end = Number(row?.last);
    }
    try {
      while (this.#end < last + this.#records) {
        await this.#create(session, this.#end / this.#records);
        this.#end += this.#records;
      }
    } catch (error) {
      // It may have been made all the same, or by another owner: look again next time.
      this.#end = 0;
      throw error;
    }
    await this.#close(session, head);
  }

  /** Built aside and then attached: attaching does not wait for commits and readers, as creating in place would. */
  async #create(session: Session, number: number): Promise<void> {
    const table = `log_p${number}`;
    const first = number * this.#records + 1;
    const end = first + this.#records;
    await session.transaction((tx) =>
      tx.exec(`
        CREATE TABLE ${table} (LIKE log INCLUDING DEFAULTS);
        CREATE UNIQUE INDEX ${table}_position ON ${table} (position);
        CREATE INDEX ${table}_parent ON ${table} (parent, position) WHERE parent IS NOT NULL;
        CREATE INDEX ${table}_account ON ${table} (debit) WHERE kind = 9;
        CREATE INDEX ${table}_configured ON ${table} (position) WHERE kind = 16;
        SELECT sample_little('${table}');
        ALTER TABLE log ATTACH PARTITION ${table} FOR VALUES FROM (${first}) TO (${end});
        INSERT INTO log_partition (number, first_position, end_position) VALUES (${number}, ${first}, ${end});`),
    );
  }

  async #close(session: Session, head: Position): Promise<void> {
    const full = Math.floor(head / this.#records);
    if (full <= this.#closed) return;
    await session.query(
      `UPDATE log_partition p SET closed = true,
              first_at = (SELECT l.recorded_at FROM log l WHERE l.position = p.first_position),
              last_at = (SELECT l.recorded_at FROM log l WHERE l.position = p.end_position - 1)
        WHERE NOT p.closed AND p.end_position <= $1`,
      [head + 1],
    );
    this.#closed = full;
  }
}
