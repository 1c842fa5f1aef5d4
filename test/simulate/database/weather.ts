/**
 * How the database and the way to it are at a moment. A run changes it as it goes; chances are of one commit or call.
 */
export interface Weather {
  /** Nobody gets in, and who is in is thrown out. */
  isDown: boolean;
  /** Every COPY finds the disk full. */
  isFull: boolean;
  /** µs that a commit takes on the server, least and most. */
  commitMicros: readonly [number, number];
  /** µs of one way through the network. */
  networkMicros: readonly [number, number];
  /** The connection is lost: before the commit reaches the server, while its rows come, and after it is durable. */
  lostBefore: number;
  lostDuring: number;
  lostAfter: number;
  /** The server hangs in a commit, longer than its client waits; then it goes on. */
  stalls: number;
  /** The server refuses a batch of itself. */
  refuses: number;
  /** What comes of a COPY is not what was sent: the server finds no row in it, or too few. */
  garbles: number;
  /** The server says of a commit that it was rolled back, or something that nobody expects. */
  oddTag: number;
  /** A call of another session (raise, read, load) is lost on its way there, or its answer on its way back. */
  callLost: number;
  answerLost: number;
  /** A call takes up to this many µs longer. */
  callSlow: number;
}

export const FAIR: Readonly<Weather> = {
  isDown: false,
  isFull: false,
  commitMicros: [200, 1_500],
  networkMicros: [20, 120],
  lostBefore: 0,
  lostDuring: 0,
  lostAfter: 0,
  stalls: 0,
  refuses: 0,
  garbles: 0,
  oddTag: 0,
  callLost: 0,
  answerLost: 0,
  callSlow: 0,
};
