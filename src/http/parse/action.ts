/** The bodies of POST /v1/transactions/{id}/capture, void, increment and reverse. */
import type { ActionRequest } from '../../engine/wire/messages.js';
import type { ActionLeg } from '../../ledger/command.js';
import { LEGS_MAX } from '../../ledger/record.js';
import type { BodyValue } from '../types.js';
import { Faults } from './faults.js';
import type { Fields } from './fields.js';
import { objectAt } from './fields.js';

/** An action's body without the parent, which stands in the path. */
type ParsedAction = Omit<ActionRequest, 'parent'>;

/**
 * @param value null where no body was sent: an action needs none
 * @throws RequestProblem the first problem by the error table, then by place
 */
export function parseAction(type: ActionRequest['type'], value: BodyValue): ParsedAction {
  const faults = new Faults();
  const action = { ...EMPTY, type };
  const fields = value === null ? null : objectAt(value, '', faults, 'The body');
  if (type === 'increment') requireAmount(fields, faults);
  if (fields !== null) {
    for (const [key, member] of fields.members) readField(action, fields, key, member);
    if (fields.members.has('amount') && fields.members.has('legs'))
      fields.invalid('legs', 'Send "amount" or "legs", not both.');
  }
  faults.throwFirst();
  return action;
}

const EMPTY: ParsedAction = {
  type: 'capture',
  amount: 0n,
  legs: [],
  final: false,
  force: false,
  dryRun: false,
  reference: null,
  description: null,
  metadata: null,
};

function requireAmount(fields: Fields | null, faults: Faults): void {
  if (fields !== null && (fields.members.has('amount') || fields.members.has('legs'))) return;
  faults.add('missing_field', '/amount', 'An increment names its "amount", or "legs" with amounts.');
}

function readField(
  action: { -readonly [K in keyof ParsedAction]: ParsedAction[K] },
  fields: Fields,
  key: string,
  value: BodyValue,
): void {
  switch (key) {
    case 'amount':
      action.amount = BigInt(fields.amount(key, value) ?? 0);
      return;
    case 'legs':
      action.legs = readLegs(fields, value);
      return;
    case 'final':
      if (action.type !== 'capture') fields.unknown(key);
      else action.final = fields.boolean(key, value) ?? false;
      return;
    case 'force':
      if (action.type !== 'reverse') fields.unknown(key);
      else action.force = fields.boolean(key, value) ?? false;
      return;
    case 'dry_run':
      action.dryRun = fields.boolean(key, value) ?? false;
      return;
    case 'reference':
      action.reference = fields.reference(value) ?? null;
      return;
    case 'description':
      action.description = fields.description(value) ?? null;
      return;
    case 'metadata':
      action.metadata = fields.metadata(value) ?? null;
      return;
    default:
      fields.unknown(key);
  }
}

/** Each leg once; whether the parent has it is the ledger's to say. */
function readLegs(parent: Fields, value: BodyValue): readonly ActionLeg[] {
  const items = parent.array('legs', value, 1, LEGS_MAX) ?? [];
  const legs: ActionLeg[] = [];
  items.forEach((item, index) => {
    const fields = objectAt(item, `/legs/${index}`, parent.faults, 'A leg');
    if (fields === null) return;
    const leg = readLeg(fields);
    if (legs.some((other) => other.leg === leg.leg)) fields.invalid('leg', 'Each leg is named once.');
    legs.push(leg);
  });
  return legs;
}

function readLeg(fields: Fields): ActionLeg {
  let leg = -1;
  let amount = 0n;
  fields.require('leg');
  fields.require('amount');
  for (const [key, value] of fields.members) {
    if (key === 'leg') leg = fields.integer(key, value, 0, LEGS_MAX - 1) ?? -1;
    else if (key === 'amount') amount = BigInt(fields.amount(key, value) ?? 0);
    else fields.unknown(key);
  }
  return { leg, amount };
}
