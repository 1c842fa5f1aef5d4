/** What a run has found: each promise with its figure and its bound, printed as a table at the end. */

interface Row {
  readonly scene: string;
  readonly promise: string;
  readonly figure: string;
  readonly bound: string;
  /** null: a figure without a bound. */
  readonly kept: boolean | null;
}

/** A generator that is later than this had no processor: times of the engine beside it say nothing, ms. */
const LATE_MS = 50;

export class Verdicts {
  readonly #rows: Row[] = [];
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Notes whether a promise was kept. A figure that is not a number is none. */
  most(scene: string, promise: string, figure: number, bound: number, unit = ''): void {
    this.#add({ scene, promise, figure: text(figure, unit), bound: `≤ ${text(bound, unit)}`, kept: figure <= bound });
  }

  least(scene: string, promise: string, figure: number, bound: number, unit = ''): void {
    this.#add({ scene, promise, figure: text(figure, unit), bound: `≥ ${text(bound, unit)}`, kept: figure >= bound });
  }

  figure(scene: string, what: string, figure: number, unit = ''): void {
    this.#add({ scene, promise: what, figure: text(figure, unit), bound: '', kept: null });
  }

  /** Judges times and rates, which a machine that others use too takes from an engine; prints them if the generator was late. */
  timed(lagMs: number): Pick<Verdicts, 'most' | 'least'> {
    if (lagMs <= LATE_MS) return this;
    const notJudged = (scene: string, promise: string, figure: number, _bound: number, unit = ''): void =>
      this.figure(scene, `${promise} (not judged: the machine was busy)`, figure, unit);
    return { most: notJudged, least: notJudged };
  }

  /** The same, for one play of a scene: kept only if it is taken up. */
  trial(): Verdicts {
    return new Verdicts(this.#say);
  }

  takeUp(trial: Verdicts): void {
    this.#rows.push(...trial.#rows);
  }

  get broken(): number {
    return this.#rows.filter(({ kept }) => kept === false).length;
  }

  get kept(): number {
    return this.#rows.filter(({ kept }) => kept === true).length;
  }

  table(): string {
    const head: Row = { scene: 'scene', promise: 'what', figure: 'measured', bound: 'bound', kept: null };
    const rows = [head, ...this.#rows];
    const width = (of: (row: Row) => string): number => Math.max(...rows.map((row) => of(row).length));
    const [scene, promise, figure, bound] = [
      width((row) => row.scene),
      width((row) => row.promise),
      width((row) => row.figure),
      width((row) => row.bound),
    ];
    return rows
      .map((row) =>
        [
          row.scene.padEnd(scene),
          row.promise.padEnd(promise),
          row.figure.padStart(figure),
          row.bound.padEnd(bound),
          row.kept === false ? 'BROKEN' : '',
        ]
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }

  #add(row: Row): void {
    this.#rows.push(row);
    this.#say(
      `  ${row.promise}: ${row.figure}${row.bound === '' ? '' : ` (${row.bound})`}${row.kept === false ? ' BROKEN' : ''}`,
    );
  }
}

const text = (value: number, unit: string): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const shown = value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
  return unit === '' ? shown : `${shown} ${unit}`;
};
