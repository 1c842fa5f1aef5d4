/**
 * msgpack for what is rare: plain maps, bigints as int64, so that every value comes back as the type that it was.
 * The entries `msgpackr/pack` and `msgpackr/unpack` are pure JavaScript; the main one would load native code.
 */
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint' });

/** The bytes are the caller's. */
export const pack = (value: unknown): Uint8Array => packr.pack(value);

/** @throws where the bytes are not one whole value: they were made by another program, or damaged */
export const unpack = (bytes: Uint8Array): unknown => unpackr.unpack(bytes);
