/**
 * What an engine's frame says, read at the least cost: its head, and how many of its answers are 201. A client of one's own
 * reads the bodies too; this one shares the processors with the engine that it measures.
 */
import { unpack } from 'msgpackr';

export interface AnswerFrame {
  readonly credits: number;
  readonly answers: number;
  /** Answers that are 201. */
  readonly posted: number;
}

/** `status` with the integer 201, which the engine writes in 16 bits; a body's `status` is a text. */
const STATUS_201 = Buffer.from([...Buffer.from('status'), 0xcd, 0x00, 0xc9]);
const MAP_OF_3 = 0x83;
const CREDITS = Buffer.from([0xa7, ...Buffer.from('credits')]);
const ANSWERS = Buffer.from([0xa7, ...Buffer.from('answers'), 0xdd]);
/** Between the two: a number of credits, and a token. */
const HEAD_BYTES_MAX = 256;

export function readAnswerFrame(bytes: Buffer): AnswerFrame {
  const head = bytes.subarray(0, HEAD_BYTES_MAX);
  const at = head.indexOf(ANSWERS);
  if (bytes[0] !== MAP_OF_3 || head.compare(CREDITS, 0, CREDITS.length, 1, 1 + CREDITS.length) !== 0 || at === -1)
    return readWhole(bytes);
  const count = at + ANSWERS.length;
  let posted = 0;
  for (let found = bytes.indexOf(STATUS_201, count); found !== -1; ) {
    posted++;
    found = bytes.indexOf(STATUS_201, found + STATUS_201.length);
  }
  return { credits: integerAt(bytes, 1 + CREDITS.length), answers: bytes.readUInt32BE(count), posted };
}

function integerAt(bytes: Buffer, at: number): number {
  const form = bytes[at] ?? 0;
  if (form < 0x80) return form;
  return form === 0xcd ? bytes.readUInt16BE(at + 1) : bytes.readUInt32BE(at + 1);
}

/** The first frame, and those without a token. */
function readWhole(bytes: Buffer): AnswerFrame {
  const { credits = 0, answers = [] } = unpack(bytes) as {
    readonly credits?: number;
    readonly answers?: readonly { readonly status: number }[];
  };
  return { credits, answers: answers.length, posted: answers.filter(({ status }) => status === 201).length };
}
