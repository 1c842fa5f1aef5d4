/** The order of each list, as its reads show it, and what contradicts any order at all. */
import type { Anomaly, Operation } from './operation.js';

export interface Orders {
  /** The longest read of each account: every other read must be a beginning of it. */
  readonly byAccount: ReadonlyMap<string, readonly string[]>;
  /** Which operation appended an element. */
  readonly writers: ReadonlyMap<string, number>;
  readonly anomalies: readonly Anomaly[];
}

export function findOrders(history: readonly Operation[]): Orders {
  const anomalies: Anomaly[] = [];
  const writers = new Map<string, number>();
  const targets = new Map<string, Set<string>>();
  history.forEach(({ appends }, index) => {
    for (const { account, element } of appends) {
      const known = writers.get(element);
      if (known !== undefined && known !== index) throw new Error(`${element} is appended by two operations`);
      writers.set(element, index);
      const accounts = targets.get(element) ?? new Set();
      accounts.add(account);
      targets.set(element, accounts);
    }
  });
  const byAccount = longestReads(history);
  history.forEach((operation, index) => {
    for (const { account, elements } of operation.reads) {
      const say = (name: string, what: string): void => {
        anomalies.push({ name, what: `operation ${index} read ${account}: ${what}` });
      };
      if (new Set(elements).size !== elements.length) say('duplicate', `an element stands there twice`);
      const longest = byAccount.get(account) ?? [];
      const off = elements.findIndex((element, at) => longest[at] !== element);
      if (off !== -1) say('not a prefix', `at ${off} it has ${elements[off]}, a longer read has ${longest[off]}`);
      for (const element of elements) {
        const writer = writers.get(element);
        if (writer === undefined || !targets.get(element)?.has(account)) say('out of nowhere', element);
        else if (history[writer]?.outcome === 'failed') say('G1a', `${element} was refused (operation ${writer})`);
      }
    }
  });
  return { byAccount, writers, anomalies: [...anomalies, ...partsOfUnits(history)] };
}

function longestReads(history: readonly Operation[]): Map<string, readonly string[]> {
  const longest = new Map<string, readonly string[]>();
  for (const { reads } of history) {
    for (const { account, elements } of reads) {
      if (elements.length > (longest.get(account)?.length ?? -1)) longest.set(account, elements);
    }
  }
  return longest;
}

/** An operation that appends several elements to one list (an atomic batch) shows all of them or none. */
function partsOfUnits(history: readonly Operation[]): Anomaly[] {
  const units = history.flatMap(({ appends }, index) => {
    const byAccount = new Map<string, string[]>();
    for (const { account, element } of appends) byAccount.set(account, [...(byAccount.get(account) ?? []), element]);
    return [...byAccount]
      .filter(([, elements]) => elements.length > 1)
      .map(([account, elements]) => ({ index, account, elements }));
  });
  const byAccount = group(units);
  const found: Anomaly[] = [];
  history.forEach(({ reads }, reader) => {
    for (const { account, elements } of reads) {
      const seen = new Set(elements);
      for (const unit of byAccount.get(account) ?? []) {
        const count = unit.elements.filter((element) => seen.has(element)).length;
        if (count === 0 || count === unit.elements.length) continue;
        found.push({
          name: 'G1b',
          what: `operation ${reader} read ${count} of the ${unit.elements.length} elements that operation ${unit.index} appended to ${account} at once`,
        });
      }
    }
  });
  return found;
}

interface Unit {
  readonly index: number;
  readonly account: string;
  readonly elements: readonly string[];
}

function group(units: readonly Unit[]): Map<string, Unit[]> {
  const groups = new Map<string, Unit[]>();
  for (const unit of units) groups.set(unit.account, [...(groups.get(unit.account) ?? []), unit]);
  return groups;
}
