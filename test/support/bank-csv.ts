/**
 * A file of the shape of the bank's book that examples/bank.map.yaml imports, made from a seed, with its own balances:
 * for machines that do not have the real one.
 */
import { writeFileSync } from 'node:fs';

export interface BankOptions {
  readonly lines: number;
  readonly accounts: number;
  readonly seed: number;
}

export interface BankOracle {
  readonly lines: number;
  /** Minor units at the end of the file, by account id. */
  readonly balances: ReadonlyMap<number, bigint>;
}

interface Kind {
  readonly type: string;
  readonly operation: string;
  readonly purpose: string;
  readonly sign: 1n | -1n;
  /** Of a hundred lines. */
  readonly share: number;
}

const KINDS: readonly Kind[] = [
  { type: 'PRIJEM', operation: 'VKLAD', purpose: '', sign: 1n, share: 29 },
  { type: 'PRIJEM', operation: 'PREVOD Z UCTU', purpose: 'DUCHOD', sign: 1n, share: 10 },
  { type: 'PRIJEM', operation: '', purpose: 'UROK', sign: 1n, share: 23 },
  { type: 'VYDAJ', operation: 'VYBER', purpose: '', sign: -1n, share: 20 },
  { type: 'VYDAJ', operation: 'VYBER', purpose: 'SLUZBY', sign: -1n, share: 8 },
  { type: 'VYDAJ', operation: 'VYBER', purpose: 'SANKC. UROK', sign: -1n, share: 1 },
  { type: 'VYBER', operation: 'VYBER', purpose: '', sign: -1n, share: 1 },
  { type: 'VYDAJ', operation: 'PREVOD NA UCET', purpose: 'SIPO', sign: -1n, share: 6 },
  { type: 'VYDAJ', operation: 'PREVOD NA UCET', purpose: ' ', sign: -1n, share: 2 },
];

const FIRST_DAY = Date.UTC(1993, 0, 1);
const DAYS = 270;

export function writeBankCsv(file: string, options: BankOptions): BankOracle {
  const random = seeded(options.seed);
  const balances = new Map<number, bigint>();
  const lines = ['"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"'];
  for (let index = 0; index < options.lines; index++) {
    const account = 1 + Math.floor(random() * options.accounts);
    const kind = kindAt(random() * 100);
    // Withdrawals are larger now and then: some accounts go below zero, as at the bank.
    const amount = BigInt(10 + Math.floor(random() * 900_000));
    const balance = (balances.get(account) ?? 0n) + kind.sign * amount;
    balances.set(account, balance);
    const isTransfer = kind.operation.startsWith('PREVOD');
    const partner = isTransfer ? `"QR";${10_000_000 + Math.floor(random() * 9_000_000)}.00` : ';';
    const day = dayAt(Math.floor((index * DAYS) / options.lines));
    const fields = [
      `${500_000 + index}`,
      `${account}`,
      day,
      quoted(kind.type),
      quoted(kind.operation),
      decimal(amount),
      decimal(balance),
    ];
    lines.push([...fields, quoted(kind.purpose), partner].join(';'));
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { lines: options.lines, balances };
}

const quoted = (text: string): string => `"${text}"`;

function kindAt(place: number): Kind {
  let from = 0;
  for (const kind of KINDS) {
    from += kind.share;
    if (place < from) return kind;
  }
  return KINDS[0] as Kind; // the list is not empty
}

function dayAt(day: number): string {
  return new Date(FIRST_DAY + day * 86_400_000).toISOString().slice(2, 10).replaceAll('-', '');
}

function decimal(minor: bigint): string {
  const digits = String(minor < 0n ? -minor : minor).padStart(3, '0');
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Numbers in [0, 1) that only the seed decides (a 32-bit xorshift). */
function seeded(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
