/** `if`: conditions by account, judged in the same step as the transaction. */
import type { AmountTest, Condition } from '../../ledger/command.js';
import { LEGS_MAX } from '../../ledger/record.js';
import { pointer } from '../body/pointer.js';
import type { BodyObject, BodyValue } from '../types.js';
import type { Fields } from './fields.js';
import { objectAt } from './fields.js';
import { accountNameFault } from './name.js';

/** As many as a transaction can have accounts. */
export const CONDITIONS_MAX = 2 * LEGS_MAX;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function readConditions(parent: Fields, value: BodyValue): readonly Condition[] {
  if (!(value instanceof Map) || value.size > CONDITIONS_MAX) {
    parent.invalid('if', `"if" is an object of conditions by account, at most ${CONDITIONS_MAX}.`);
    return [];
  }
  const conditions: Condition[] = [];
  for (const [account, tests] of value as BodyObject) {
    const at = parent.at + pointer('if', account);
    const fault = accountNameFault(account);
    if (fault !== null) parent.faults.add('invalid_field', at, fault);
    const fields = objectAt(tests, at, parent.faults, 'A condition');
    if (fields !== null) conditions.push(readCondition(fields, account));
  }
  return conditions;
}

function readCondition(fields: Fields, account: string): Condition {
  const condition: Writable<Condition> = { account };
  if (fields.members.size === 0) fields.faults.add('invalid_field', fields.at, 'A condition names something to test.');
  for (const [key, value] of fields.members) {
    switch (key) {
      case 'posted':
      case 'pending_in':
      case 'pending_out':
      case 'available': {
        const test = objectAt(value, fields.at + pointer(key), fields.faults, `"${key}"`);
        if (test !== null) condition[key] = readTest(test);
        break;
      }
      case 'version':
      case 'config_version': {
        const version = fields.integer(key, value, 0, Number.MAX_SAFE_INTEGER);
        if (version !== undefined) condition[key] = version;
        break;
      }
      default:
        fields.unknown(key);
    }
  }
  return condition;
}

function readTest(fields: Fields): AmountTest {
  const test: Writable<AmountTest> = {};
  if (fields.members.size === 0)
    fields.faults.add('invalid_field', fields.at, 'A test has one of eq, gt, gte, lt, lte.');
  for (const [key, value] of fields.members) {
    if (key === 'eq' || key === 'gt' || key === 'gte' || key === 'lt' || key === 'lte') {
      const amount = fields.signed(key, value);
      if (amount !== undefined) test[key] = amount;
    } else fields.unknown(key);
  }
  return test;
}
