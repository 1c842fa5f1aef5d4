/**
 * Names that sessions give themselves (application_name), by which an owner finds what it or an earlier one has left
 * running: a process id alone may be somebody else's by the time that it is used. At most 63 bytes.
 */
export interface SessionNames {
  /** The one that commits. */
  readonly writer: string;
  /** Raises the fence, terminates, makes partitions. */
  readonly control: string;
  /** Holds the shard's advisory lock. */
  readonly lock: string;
  /** Regular expression of the sessions of every owner of the shard, those that fold included. */
  readonly ofAnyOwner: string;
  /** Regular expression of this owner's own. */
  readonly ofThisOwner: string;
}

/** Of sessions that only read: nobody terminates these. */
export const READER_NAME = 'millrace-read';

/**
 * Of the session that folds a shard. A step that a killed engine has left goes on for seconds, for nobody: its successor
 * needs the processor to load the shard, and folds the same records afterwards. So does an engine whose own worker died: its
 * step is taken again.
 */
export const foldsName = (shard: string): string => `millrace folds ${shard}`;

export function sessionNames(shard: string, owner: string): SessionNames {
  const writer = `millrace-${shard}-${owner.slice(0, 8)}`;
  return {
    writer,
    control: `${writer}-control`,
    lock: `${writer}-lock`,
    ofAnyOwner: `^(millrace-${shard}-[0-9a-f]{8}(-control|-lock)?|${foldsName(shard)})$`,
    ofThisOwner: `^${writer}(-control|-lock)?$`,
  };
}
