/** What the parsers need to know of the engine. */
export interface ParseContext {
  /** The currency's number, or undefined where the code is not known. */
  readonly currency: (code: string) => number | undefined;
}
