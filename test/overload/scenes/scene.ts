/** What every scene is given. */
import type { Verdicts } from '../verdicts.js';
import type { World } from '../world.js';

export interface Stage {
  readonly world: World;
  readonly verdicts: Verdicts;
  /** For every change: phases of a few seconds. */
  readonly short: boolean;
}

export interface Scene {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** ms in the short form and in the long one. */
export const lasting = ({ short }: Stage, shortMs: number, longMs: number): number => (short ? shortMs : longMs);
