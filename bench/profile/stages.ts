/** Where a thread's time went, by the stages of a transaction: each sample counts for the file that it was taken in. */

/** What is used of V8's format: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  /** Node of each sample, and µs since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const IDLE = '(idle)';
/** The first that fits, by the file's place in the engine. */
const STAGES: readonly (readonly [pattern: RegExp, stage: string])[] = [
  [/\/http\/server\//, 'read and write HTTP'],
  [/\/http\/body\//, 'parse'],
  [/\/http\/parse\//, 'validate'],
  [/\/http\/render\//, 'answer'],
  [/\/http\//, 'route, authenticate, admit'],
  [/\/engine\/ring\/|\/engine\/client/, 'ring'],
  [/\/engine\/wire\//, 'encode and decode for the ring'],
  [/\/engine\/shard\//, 'gather, acknowledge'],
  [/\/ledger\//, 'apply'],
  [/\/store\/copy\//, 'COPY encode'],
  [/\/store\/seal\//, 'seal'],
  [/\/store\/|\/node_modules\/pg/, 'commit'],
  [/\/folds\//, 'fold'],
  [/\/platform\//, 'ids, clock'],
  [/^node:/, 'Node: sockets, timers'],
];
const COLLECTOR = '(garbage collector)';
/** Sockets and the kernel, mostly: what runs outside JavaScript is of whoever called it, where there is one. */
const NATIVE = 'native code of nobody';

/** µs by stage, the dearest first; idle time is none. */
export function stagesOf({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const stageOfNode = stagesOfNodes(nodes);
  const micros = new Map<string, number>();
  samples.forEach((node, index) => {
    const stage = stageOfNode.get(node) ?? NATIVE;
    // A sample stands for the time until the next one.
    if (stage !== IDLE) micros.set(stage, (micros.get(stage) ?? 0) + (timeDeltas[index + 1] ?? 0));
  });
  return new Map([...micros].sort((a, b) => b[1] - a[1]));
}

function stagesOfNodes(nodes: CpuProfile['nodes']): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stages = new Map<number, string>();
  const descend = (id: number, above: string): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const stage = stageOfFrame(node.callFrame, above);
    stages.set(id, stage);
    for (const child of node.children ?? []) descend(child, stage);
  };
  const [root] = nodes;
  if (root !== undefined) descend(root.id, NATIVE);
  return stages;
}

function stageOfFrame({ functionName, url }: CpuProfile['nodes'][number]['callFrame'], above: string): string {
  if (functionName === IDLE || functionName === COLLECTOR) return functionName;
  const found = STAGES.find(([pattern]) => pattern.test(url));
  // Functions of the machine and of small libraries work for whoever called them.
  return found?.[1] ?? above;
}
