/**
 * The bare front: uWebSockets.js on one thread that reads a body, looks at nothing and answers at once with an answer of
 * the engine's size. What the engine's front could reach if everything behind it were free.
 *
 * Run as a child: argument 1 is the answer as JSON; it says its port as the first message and ends when it is told to.
 */
import { App, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';

export interface BareAnswer {
  /** Such as "201 Created". */
  readonly status: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

const { status, headers, body } = JSON.parse(process.argv[2] ?? '{}') as BareAnswer;

const app = App();
app.post('/*', (response, _request) => {
  response.onAborted(() => undefined);
  response.onData((_chunk, isLast) => {
    if (!isLast) return;
    response.cork(() => {
      response.writeStatus(status);
      for (let index = 0; index + 1 < headers.length; index += 2) {
        response.writeHeader(headers[index] ?? '', headers[index + 1] ?? '');
      }
      response.end(body);
    });
  });
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) throw new Error('no port to listen on');
  const stop = (): void => {
    us_listen_socket_close(socket);
    app.close();
    process.disconnect?.();
  };
  process.once('message', stop);
  process.once('disconnect', () => process.exit());
  process.send?.({ port: us_socket_local_port(socket as never) });
});
