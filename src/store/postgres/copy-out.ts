/** Binary COPY out of a connection, whole. */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { asStoreError } from './connect.js';

/** @throws StoreUnavailableError where the connection is lost, the server's error otherwise */
export async function copyOutOf(client: pg.ClientBase, query: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT binary)`))) {
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw asStoreError(error);
  }
  return Buffer.concat(chunks);
}
