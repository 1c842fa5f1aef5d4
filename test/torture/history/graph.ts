/** A directed graph whose edges have kinds, and its cycles. */

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
}

export class Graph {
  readonly #out: Edge[][] = [];
  #nodes = 0;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** @returns the number of a new node */
  node(): number {
    return this.#nodes++;
  }

  edge(from: number, to: number, kind: string): void {
    if (from === to) return;
    let edges = this.#out[from];
    if (edges === undefined) {
      edges = [];
      this.#out[from] = edges;
    }
    edges.push({ from, to, kind });
  }

  /** A shortest cycle through each strongly connected part, by edges of these kinds only. */
  cycles(kinds: ReadonlySet<string>): Edge[][] {
    return this.#parts(kinds).map((part) => this.#shortestCycle(part, kinds));
  }

  #edges(from: number, kinds: ReadonlySet<string>): Edge[] {
    return (this.#out[from] ?? []).filter(({ kind }) => kinds.has(kind));
  }

  /** Tarjan's algorithm with a stack of its own: histories are deep. Parts of one node are left out. */
  #parts(kinds: ReadonlySet<string>): Set<number>[] {
    const order = new Int32Array(this.#nodes).fill(-1);
    const low = new Int32Array(this.#nodes);
    const onStack = new Uint8Array(this.#nodes);
    const stack: number[] = [];
    const parts: Set<number>[] = [];
    let count = 0;
    for (let root = 0; root < this.#nodes; root++) {
      if (order[root] !== -1) continue;
      const work: { readonly node: number; readonly edges: Edge[]; next: number }[] = [];
      const enter = (node: number): void => {
        order[node] = count;
        low[node] = count++;
        stack.push(node);
        onStack[node] = 1;
        work.push({ node, edges: this.#edges(node, kinds), next: 0 });
      };
      enter(root);
      for (let frame = work.at(-1); frame !== undefined; frame = work.at(-1)) {
        const { node } = frame;
        const edge = frame.edges[frame.next++];
        if (edge !== undefined) {
          if (order[edge.to] === -1) enter(edge.to);
          else if (onStack[edge.to] === 1) low[node] = Math.min(low[node] ?? 0, order[edge.to] ?? 0);
          continue;
        }
        work.pop();
        const parent = work.at(-1);
        if (parent !== undefined) low[parent.node] = Math.min(low[parent.node] ?? 0, low[node] ?? 0);
        if (low[node] !== order[node]) continue;
        const part = new Set(stack.splice(stack.lastIndexOf(node)));
        for (const member of part) onStack[member] = 0;
        if (part.size > 1) parts.push(part);
      }
    }
    return parts;
  }

  #shortestCycle(part: ReadonlySet<number>, kinds: ReadonlySet<string>): Edge[] {
    let best: Edge[] = [];
    // Any member lies on a cycle; a few of them are enough for a short one.
    for (const start of [...part].slice(0, 16)) {
      const cycle = this.#cycleThrough(start, part, kinds);
      if (best.length === 0 || cycle.length < best.length) best = cycle;
    }
    return best;
  }

  #cycleThrough(start: number, part: ReadonlySet<number>, kinds: ReadonlySet<string>): Edge[] {
    const cameBy = new Map<number, Edge>();
    const queue = [start];
    for (let at = 0; at < queue.length; at++) {
      for (const edge of this.#edges(queue[at] ?? 0, kinds)) {
        if (!part.has(edge.to) || cameBy.has(edge.to)) continue;
        cameBy.set(edge.to, edge);
        if (edge.to === start) return pathTo(start, cameBy);
        queue.push(edge.to);
      }
    }
    return [];
  }
}

function pathTo(start: number, cameBy: ReadonlyMap<number, Edge>): Edge[] {
  const path: Edge[] = [];
  let node = start;
  do {
    const edge = cameBy.get(node);
    if (edge === undefined) break;
    path.unshift(edge);
    node = edge.from;
  } while (node !== start);
  return path;
}
