/** A posting as a front finds it in a body of the common shape: the bytes, and where in them its parts stand. */
import { PLAIN_WORDS, Plain, PlainFlag, PlainPosts } from '../../../src/engine/wire/plain-post.js';
import type { SimulatedCommand } from '../history.js';

type Posting = Extract<SimulatedCommand, { readonly type: 'post' }>;

const SECOND = 1_000_000;
const ASCII = /^[\x20-\x7e]*$/;

/** Whether a front may read it so: what it makes of it must then be the very same request. */
export function isPlain(command: SimulatedCommand): command is Posting {
  if (command.type !== 'post' || command.dryRun || command.legs.length !== 1) return false;
  const { effectiveAt, metadata, extras, reference, description, expiresIn, legs } = command;
  return (
    effectiveAt === 0 &&
    metadata === null &&
    extras === null &&
    expiresIn % SECOND === 0 &&
    typeof legs[0]?.amount === 'number' &&
    ASCII.test(reference ?? '') &&
    ASCII.test(description ?? '')
  );
}

const posts = new PlainPosts();

/** One instance is used for all: it is read before the next one is made. */
export function plainPosts(command: Posting): PlainPosts {
  const [leg] = command.legs;
  if (leg === undefined) throw new Error('a posting has a leg');
  const parts: string[] = [];
  let end = 0;
  const put = (text: string): number => {
    const start = end;
    parts.push(text);
    end += text.length;
    return start;
  };
  const fields = new Map<number, number>();
  const piece = (start: number, length: number, text: string | null): void => {
    fields.set(start, text === null ? -1 : put(text)).set(length, text?.length ?? 0);
  };
  const { pending, openAccounts, expiresIn, reference, description } = command;
  const amount = Number(leg.amount);
  fields.set(Plain.flags, (pending ? PlainFlag.pending : 0) | (openAccounts ? PlainFlag.openAccounts : 0));
  piece(Plain.referenceStart, Plain.referenceLength, reference);
  piece(Plain.descriptionStart, Plain.descriptionLength, description);
  piece(Plain.debitStart, Plain.debitLength, leg.debit);
  piece(Plain.creditStart, Plain.creditLength, leg.credit);
  piece(Plain.amountStart, Plain.amountLength, String(amount));
  piece(Plain.currencyStart, Plain.currencyLength, leg.currencyCode);
  fields.set(Plain.expiresIn, expiresIn / SECOND).set(Plain.currency, leg.currency);
  fields.set(Plain.amountLow, amount | 0).set(Plain.amountHigh, Math.floor(amount / 2 ** 32));
  posts.load(Buffer.from(parts.join(''), 'latin1'));
  const row = posts.add();
  for (let word = 0; word < PLAIN_WORDS; word++) posts.fields[row + word] = fields.get(word) ?? 0;
  return posts;
}
