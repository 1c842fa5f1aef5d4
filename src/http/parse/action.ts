import type { ActionRequest } from '../../engine/wire/messages.js';
import type { BodyValue } from '../types.js';

/** An action's body without the parent, which stands in the path. */
export type ParsedAction = Omit<ActionRequest, 'parent'>;

/** The body of POST /v1/transactions/{id}/capture, void, increment and reverse. @throws RequestProblem */
export function parseAction(_type: ActionRequest['type'], _value: BodyValue): ParsedAction {
  throw new Error('not built yet');
}
