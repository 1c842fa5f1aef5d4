/** Which of a server's errors mean that the database is away for now, so that its readers are told to come again. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../../src/store/errors.js';
import { asStoreError } from '../../src/store/postgres/connect.js';

function serverError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError(`state ${code}`, 0, 'error');
  error.code = code;
  return error;
}

test.each([
  ['53100', 'its disk is full'],
  ['53200', 'it has no memory left'],
  ['53300', 'it has no connection left'],
  ['58030', 'a file of its cannot be read'],
  ['57P03', 'it is starting'],
  ['08006', 'the connection was lost'],
])('a server that says %s (%s) is away', (code) => {
  expect(asStoreError(serverError(code))).toBeInstanceOf(StoreUnavailableError);
});

test.each(['22012', '42P01', '40001'])('what a server says of the statement itself (%s) is passed on', (code) => {
  const error = serverError(code);
  expect(asStoreError(error)).toBe(error);
});
