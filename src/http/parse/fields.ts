/**
 * Values of single fields. Each reader returns what it read, or undefined after adding a fault; the parser goes on and
 * throws the first fault at its end, so what it made of a faulty body is never used.
 */

import { pointer } from '../body/pointer.js';
import type { BodyObject, BodyValue } from '../types.js';
import type { Faults } from './faults.js';
import { accountNameFault } from './name.js';
import { parseTime } from './time.js';
import { writeJson } from './write-json.js';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

export const REFERENCE_LENGTH_MAX = 255;
export const DESCRIPTION_LENGTH_MAX = 1000;
export const METADATA_BYTES_MAX = 4096;

/** Texts of up to 15 digits are safe integers. */
const SAFE_DIGITS = 15;

/** One object of the body being parsed: where it stands, and what is wrong so far. */
export class Fields {
  constructor(
    readonly members: BodyObject,
    /** Pointer to the object; "" for the body. */
    readonly at: string,
    readonly faults: Faults,
  ) {}

  /** Pointers are made only for faults. */
  invalid(key: string, detail: string): undefined {
    if (this.faults.wants('invalid_field')) this.faults.add('invalid_field', this.at + pointer(key), detail);
    return undefined;
  }

  unknown(key: string): undefined {
    if (this.faults.wants('unknown_field')) {
      this.faults.add(
        'unknown_field',
        this.at + pointer(key),
        `The field ${JSON.stringify(key.slice(0, 64))} is not known here.`,
      );
    }
    return undefined;
  }

  require(key: string): void {
    if (!this.members.has(key) && this.faults.wants('missing_field')) {
      this.faults.add('missing_field', this.at + pointer(key), `The field "${key}" is missing.`);
    }
  }

  boolean(key: string, value: BodyValue): boolean | undefined {
    return typeof value === 'boolean' ? value : this.invalid(key, `"${key}" is true or false.`);
  }

  /** A safe integer from `min` to `max`. */
  integer(key: string, value: BodyValue, min: number, max: number): number | undefined {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return this.invalid(key, `"${key}" is an integer from ${min} to ${max}.`);
  }

  /** Minor units: 1 to 2^63−1. A number as far as it is exact, a bigint beyond. */
  amount(key: string, value: BodyValue): number | bigint | undefined {
    if (typeof value === 'number' && value > 0) return value;
    if (typeof value === 'string' && /^[1-9][0-9]{0,18}$/.test(value)) {
      if (value.length <= SAFE_DIGITS) return Number(value);
      const exact = BigInt(value);
      if (exact <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(exact);
      if (exact <= INT64_MAX) return exact;
    }
    return this.invalid(
      key,
      `"${key}" is a whole number of minor units: an integer from 1 to 2^53−1, or a string of digits up to 2^63−1 without sign or leading zeros.`,
    );
  }

  /** Signed 64 bits. */
  signed(key: string, value: BodyValue, orNull = ''): bigint | undefined {
    if (typeof value === 'number') return BigInt(value);
    if (typeof value === 'string' && /^(?:0|-?[1-9][0-9]{0,18})$/.test(value)) {
      const exact = BigInt(value);
      if (exact >= INT64_MIN && exact <= INT64_MAX) return exact;
    }
    return this.invalid(
      key,
      `"${key}" is a whole number of minor units: an integer within ±(2^53−1), or a string of digits within 64 bits${orNull}.`,
    );
  }

  limit(key: string, value: BodyValue): bigint | null | undefined {
    return value === null ? null : this.signed(key, value, ', or null for no limit');
  }

  accountName(key: string, value: BodyValue): string | undefined {
    if (typeof value !== 'string') return this.invalid(key, `"${key}" is the name of an account.`);
    const fault = accountNameFault(value);
    return fault === null ? value : this.invalid(key, fault);
  }

  text(key: string, value: BodyValue, min: number, max: number): string | undefined {
    if (typeof value === 'string' && value.length >= min && (value.length <= max || codePoints(value) <= max))
      return value;
    return this.invalid(key, `"${key}" is a string of ${min} to ${max} characters.`);
  }

  reference(value: BodyValue): string | undefined {
    return this.text('reference', value, 1, REFERENCE_LENGTH_MAX);
  }

  description(value: BodyValue): string | undefined {
    return this.text('description', value, 0, DESCRIPTION_LENGTH_MAX);
  }

  /** JSON text of an object. */
  metadata(value: BodyValue): string | undefined {
    if (!(value instanceof Map)) return this.invalid('metadata', '"metadata" is an object.');
    const text = writeJson(value);
    if (Buffer.byteLength(text) <= METADATA_BYTES_MAX) return text;
    return this.invalid('metadata', `"metadata" takes at most ${METADATA_BYTES_MAX} bytes as JSON.`);
  }

  /** Never 0: in a request that is a time that is not given. */
  time(key: string, value: BodyValue): number | undefined {
    const micros = typeof value === 'string' ? parseTime(value) : null;
    if (micros !== null && micros > 0) return micros;
    return this.invalid(
      key,
      `"${key}" is a time of RFC 3339 with at most six digits of a second, after 1970-01-01T00:00:00Z and before 2255: 2026-11-21T10:17:03.123456Z.`,
    );
  }

  array(key: string, value: BodyValue, min: number, max: number): readonly BodyValue[] | undefined {
    if (Array.isArray(value) && value.length >= min && value.length <= max) return value as readonly BodyValue[];
    return this.invalid(key, `"${key}" is an array of ${min} to ${max} items.`);
  }
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The object at `at`, or null after adding a fault. */
export function objectAt(value: BodyValue, at: string, faults: Faults, what: string): Fields | null {
  if (value instanceof Map) return new Fields(value as BodyObject, at, faults);
  faults.add('invalid_field', at, `${what} is an object.`);
  return null;
}
