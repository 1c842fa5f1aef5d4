/** Bodies before they are written: a tree that JSON and msgpack can both be made from, faults of either form included. */

export type Node =
  | { readonly kind: 'object'; readonly members: (readonly [key: string, value: Node])[] }
  | { readonly kind: 'array'; readonly items: Node[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  /** Bytes as they are, one latin1 character each: what no value stands for. */
  | { readonly kind: 'raw'; readonly json: string; readonly msgpack: string };

export const object = (members: (readonly [string, Node])[]): Node => ({ kind: 'object', members });
export const array = (items: Node[]): Node => ({ kind: 'array', items });
export const string = (text: string): Node => ({ kind: 'string', text });
export const integer = (value: bigint | number): Node => ({ kind: 'integer', value: BigInt(value) });
export const boolean = (value: boolean): Node => ({ kind: 'boolean', value });
export const nothing: Node = { kind: 'null' };
export const raw = (json: string, msgpack: string): Node => ({ kind: 'raw', json, msgpack });

/** How a place in the tree is changed: by what stands there instead, or by nothing at all. */
export type Place = { readonly node: Node; replace(node: Node): void; remove: (() => void) | null };

/** Every place of the tree, the root first. */
export function placesOf(root: { node: Node }): Place[] {
  const places: Place[] = [];
  const visit = (node: Node, replace: (node: Node) => void, remove: (() => void) | null): void => {
    places.push({ node, replace, remove });
    if (node.kind === 'object') {
      node.members.forEach(([key, value], index) => {
        visit(
          value,
          (other) => {
            node.members[index] = [key, other];
          },
          () => node.members.splice(index, 1),
        );
      });
    } else if (node.kind === 'array') {
      node.items.forEach((item, index) => {
        visit(
          item,
          (other) => {
            node.items[index] = other;
          },
          () => node.items.splice(index, 1),
        );
      });
    }
  };
  visit(
    root.node,
    (node) => {
      root.node = node;
    },
    null,
  );
  return places;
}
