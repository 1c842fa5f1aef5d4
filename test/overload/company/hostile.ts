/**
 * Bad clients, in a process of their own. Run as a child: the first message says how many of each kind; every `report`
 * is answered; it ends with its parent.
 */
import { connect, type Socket } from 'node:net';
import type { BadCompany, CompanyReport } from './plan.js';

const counts = { open: 0, opened: 0, endedByEngine: 0, refused: 0, deafRequests: 0 };
const AGAIN_MS = 1_000;
const BYTE_EVERY_MS = 1_000;
const STORM_TICK_MS = 10;
/** Connections begun in one turn: a listener's queue is not endless. */
const A_TURN = 200;
const TURN_MS = 50;

/** One client that is begun again when the engine ends its connection. */
function keep(company: BadCompany, behave: (socket: Socket) => () => void): void {
  const socket = connect(company.port, company.host);
  let connected = false;
  let stop = (): void => undefined;
  socket.once('connect', () => {
    connected = true;
    counts.open++;
    counts.opened++;
    stop = behave(socket);
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    stop();
    if (connected) counts.open--;
    if (connected) counts.endedByEngine++;
    else counts.refused++;
    setTimeout(() => keep(company, behave), AGAIN_MS * (0.5 + Math.random()));
  });
}

const nothing = (): void => undefined;
const headOf = ({ host, port, apiKey }: BadCompany, request: string): string =>
  `${request} HTTP/1.1\r\nHost: ${host}:${port}\r\nAuthorization: Bearer ${apiKey}\r\n`;

function behaviours(company: BadCompany): readonly (readonly [number, (socket: Socket) => () => void])[] {
  const post = `${headOf(company, 'POST /v1/transactions')}Content-Type: application/json\r\nIdempotency-Key: half\r\n`;
  return [
    [
      company.idle,
      (socket) => {
        socket.resume();
        socket.write(`${headOf(company, 'GET /healthz')}\r\n`);
        return nothing;
      },
    ],
    [
      company.drips,
      (socket) => {
        socket.resume();
        const text = `${post}Content-Length: 200\r\n\r\n`;
        let at = 0;
        const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), BYTE_EVERY_MS);
        return () => clearInterval(timer);
      },
    ],
    [
      company.deaf,
      (socket) => {
        socket.pause();
        const timer = setInterval(() => {
          counts.deafRequests++;
          socket.write(`${headOf(company, 'GET /openapi.json')}\r\n`);
        }, company.deafEveryMs);
        return () => clearInterval(timer);
      },
    ],
    [
      company.halves,
      (socket) => {
        socket.resume();
        socket.write(`${post}Content-Length: 1000000\r\n\r\n${'x'.repeat(50_000)}`);
        return nothing;
      },
    ],
  ];
}

function storm(company: BadCompany): void {
  let owed = 0;
  setInterval(() => {
    for (owed += (company.storm * STORM_TICK_MS) / 1000; owed >= 1; owed--) {
      const socket = connect(company.port, company.host);
      const rudely = Math.random() < 0.5;
      socket.on('error', () => counts.refused++);
      socket.once('connect', () => {
        counts.opened++;
        if (rudely) socket.write(headOf(company, 'GET /v1/transactions'));
        socket.resetAndDestroy();
      });
    }
  }, STORM_TICK_MS);
}

async function begin(company: BadCompany): Promise<void> {
  for (const [count, behave] of behaviours(company)) {
    for (let begun = 0; begun < count; begun++) {
      keep(company, behave);
      if (begun % A_TURN === A_TURN - 1) await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
  }
  if (company.storm > 0) storm(company);
}

process.on('message', (message: BadCompany | 'report') => {
  if (message === 'report') process.send?.(counts satisfies CompanyReport);
  else void begin(message).then(() => process.send?.('begun'));
});
process.once('disconnect', () => process.exit());
