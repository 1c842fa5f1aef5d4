/** GET /v1/stream without an upgrade. Servers upgrade a connection before its request gets here; see ../stream. */
import { RequestProblem } from '../types.js';

export function openStream(): never {
  throw new RequestProblem('upgrade_required', 'Connect to this path by WebSocket.');
}
