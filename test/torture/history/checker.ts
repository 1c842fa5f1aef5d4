/**
 * Decides from the history of one merchant whether it is strictly serializable: whether there is one order of all
 * operations that explains what each of them heard and that agrees with real time.
 *
 * Lists make that decidable: each element is appended once, and a list that was read shows the order of all appends
 * before it. So the order of writes is not guessed but read, and all that must come before something else are edges of
 * a graph. The history is what it should be if the graph has no cycle (Adya; Kingsbury and Alvaro, "Elle").
 */
import { Graph } from './graph.js';
import type { Anomaly, Operation } from './operation.js';
import type { Orders } from './orders.js';
import { findOrders } from './orders.js';

/** Kinds of edges, in the order in which they are added: the first set in which a cycle shows gives it its name. */
const LEVELS = [
  { kind: 'ww', name: 'G0' },
  { kind: 'wr', name: 'G1c' },
  { kind: 'rw', name: 'G2' },
  { kind: 'sequence', name: 'against the sequence' },
  { kind: 'token', name: 'older than its token' },
  { kind: 'time', name: 'against real time' },
] as const;
const ANOMALIES_MAX = 20;

/** @returns what is wrong with it, the gravest first; empty: it is strictly serializable */
export function checkHistory(history: readonly Operation[]): readonly Anomaly[] {
  const orders = findOrders(history);
  const anomalies = [...orders.anomalies, ...lostAppends(history, orders), ...sharedSequences(history)];
  // Reads that contradict any order give no graph.
  if (anomalies.length > 0) return anomalies.slice(0, ANOMALIES_MAX);
  return cyclesOf(history, graphOf(history, orders)).slice(0, ANOMALIES_MAX);
}

/** An append that was acknowledged before a read of the present began, and that it does not show. */
function lostAppends(history: readonly Operation[], { byAccount }: Orders): Anomaly[] {
  const found: Anomaly[] = [];
  const readers = strictReaders(history);
  history.forEach(({ outcome, appends, endedAt }, index) => {
    if (outcome !== 'ok') return;
    for (const { account, element } of appends) {
      if (byAccount.get(account)?.includes(element)) continue;
      const reader = readers.get(account)?.find((read) => (history[read]?.invokedAt ?? 0) > endedAt);
      if (reader === undefined) continue;
      found.push({
        name: 'lost',
        what: `operation ${index} appended ${element} to ${account}; operation ${reader} began later, and no read shows it`,
      });
    }
  });
  return found;
}

function strictReaders(history: readonly Operation[]): Map<string, number[]> {
  const readers = new Map<string, number[]>();
  history.forEach(({ strict, reads }, index) => {
    if (strict) for (const { account } of reads) readers.set(account, [...(readers.get(account) ?? []), index]);
  });
  return readers;
}

function sharedSequences(history: readonly Operation[]): Anomaly[] {
  const owners = new Map<number, number>();
  const found: Anomaly[] = [];
  history.forEach(({ sequence }, index) => {
    if (sequence === null) return;
    const other = owners.get(sequence);
    if (other !== undefined)
      found.push({ name: 'duplicate', what: `operations ${other} and ${index} both have sequence ${sequence}` });
    owners.set(sequence, index);
  });
  return found;
}

function graphOf(history: readonly Operation[], orders: Orders): Graph {
  const graph = new Graph(history.length);
  const writerOf = (element: string | undefined): number | undefined =>
    element === undefined ? undefined : orders.writers.get(element);
  const edge = (from: number | undefined, to: number | undefined, kind: string): void => {
    if (from !== undefined && to !== undefined) graph.edge(from, to, kind);
  };
  const unread = unreadAppends(history, orders);
  for (const [account, order] of orders.byAccount) {
    for (let at = 1; at < order.length; at++) edge(writerOf(order[at - 1]), writerOf(order[at]), 'ww');
    // What nobody has read yet comes after all that was read.
    for (const later of unread.get(account) ?? []) edge(writerOf(order.at(-1)), later, 'ww');
  }
  history.forEach(({ reads, tokenOf }, index) => {
    for (const { account, elements } of reads) {
      edge(writerOf(elements.at(-1)), index, 'wr');
      const next = orders.byAccount.get(account)?.[elements.length];
      if (next !== undefined) edge(index, writerOf(next), 'rw');
      else for (const later of unread.get(account) ?? []) edge(index, later, 'rw');
    }
    if (tokenOf !== null) graph.edge(tokenOf, index, 'token');
  });
  addSequence(graph, history);
  addTime(graph, history);
  return graph;
}

/** By account, operations that certainly happened and that no read shows. */
function unreadAppends(history: readonly Operation[], { byAccount }: Orders): Map<string, number[]> {
  const unread = new Map<string, number[]>();
  const shown = new Map([...byAccount].map(([account, order]) => [account, new Set(order)]));
  history.forEach(({ outcome, appends }, index) => {
    if (outcome !== 'ok') return;
    for (const { account, element } of appends) {
      if (shown.get(account)?.has(element)) continue;
      unread.set(account, [...(unread.get(account) ?? []), index]);
    }
  });
  return unread;
}

function addSequence(graph: Graph, history: readonly Operation[]): void {
  const placed = history
    .flatMap(({ sequence }, index) => (sequence === null ? [] : [{ sequence, index }]))
    .sort((a, b) => a.sequence - b.sequence);
  placed.forEach(({ index }, at) => {
    const before = placed[at - 1];
    if (before !== undefined) graph.edge(before.index, index, 'sequence');
  });
}

/**
 * What ended before another began comes before it. A node for each end, in a chain, keeps the edges as many as the
 * operations instead of their square.
 */
function addTime(graph: Graph, history: readonly Operation[]): void {
  const events = history.flatMap(({ invokedAt, endedAt, outcome, strict, appends }, index) => {
    if (outcome === 'failed' || (outcome === 'unknown' && appends.length === 0)) return [];
    // An old read may be of any time before it ended: nothing that ended earlier need be in it.
    const begins = strict ? [{ at: invokedAt, ends: false, index }] : [];
    const ends = outcome === 'ok' ? [{ at: endedAt, ends: true, index }] : [];
    return [...begins, ...ends];
  });
  // Of two at the same time nobody knows which came first: they are taken as overlapping.
  events.sort((a, b) => a.at - b.at || Number(a.ends) - Number(b.ends));
  let last: number | null = null;
  for (const { ends, index } of events) {
    if (!ends) {
      if (last !== null) graph.edge(last, index, 'time');
      continue;
    }
    const now = graph.node();
    graph.edge(index, now, 'time');
    if (last !== null) graph.edge(last, now, 'time');
    last = now;
  }
}

function cyclesOf(history: readonly Operation[], graph: Graph): Anomaly[] {
  const kinds = new Set<string>();
  for (const { kind, name } of LEVELS) {
    kinds.add(kind);
    const cycles = graph.cycles(kinds);
    if (cycles.length === 0) continue;
    // What a smaller set of edges shows is graver, and shows in every larger one again.
    return cycles.map((cycle) => {
      const against = cycle.filter((edge) => edge.kind === 'rw').length;
      const steps = cycle
        // Nodes of time are no operations: the edges through them are one step.
        .filter(({ from }) => from < history.length)
        .map((edge) => `${edge.from} –${edge.kind}→`)
        .join(' ');
      return { name: name === 'G2' && against === 1 ? 'G-single' : name, what: `operations ${steps} the first again` };
    });
  }
  return [];
}
