/**
 * What a ring promises about damage. It is the memory of one process: whatever writes there by mistake, or a bit that
 * turns over, is nothing that an engine can mend, so the promise is that it is noticed where it could do the most harm.
 *
 * - The header of a record says its length twice, so one that was changed is not followed, and neither is a cursor that
 *   leads out of what is published: nothing is read outside of the ring, no reader goes round in circles.
 * - A record with a layout of its own (postings, their answers) must fill its length exactly; one of msgpack, whose damage
 *   could look like another value, carries a checksum.
 * - Values within a layout, an amount or a letter of a name, are not covered. The database's checksums and the chain of
 *   seals cover what was committed.
 *
 * The thread that notices ends, and with it its rings: the supervisor starts another, with new ones.
 */
import { MillraceError } from '../../platform/errors.js';

/** What stands in a ring is not what was written there. */
export class DamagedRecordError extends MillraceError {
  readonly code = 'MR_RING_DAMAGED';
}
