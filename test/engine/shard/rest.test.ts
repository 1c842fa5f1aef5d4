import { describe, expect, it } from 'vitest';
import { FrontLink } from '../../../src/engine/shard/front-link.js';
import { Rest } from '../../../src/engine/shard/rest.js';

/** A front that has work until it is said to be idle. */
class Source {
  wanted = 0;
  gathers = false;

  gather(records: number): void {
    this.wanted = records;
    this.gathers = true;
  }
  gatherOn(records: number): void {
    this.wanted = records;
  }
  gatherNoMore(): void {
    this.gathers = false;
  }
}

function front(): { link: FrontLink; source: Source } {
  const link = new FrontLink(0, { send: () => true, flush: () => undefined });
  const source = new Source();
  link.takesCommandsFrom(source);
  return { link, source };
}

/** Whether the rest has ended, once everything that waits for its end has run. */
async function hasEnded(rest: Promise<void> | null): Promise<boolean> {
  let ended = false;
  void rest?.then(() => {
    ended = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

describe('a rest between two commits', () => {
  it('lasts until as many commands have come as answers went out', async () => {
    const { link, source } = front();
    const rest = new Rest();
    rest.expect(link, 5);
    expect(source.wanted).toBe(5);
    const over = rest.begin(3, true);
    for (const gathered of [3, 5, 7]) {
      rest.look(gathered, true);
      // What comes for other shards does not count: fronts are told how many are missing still.
      expect([await hasEnded(over), source.wanted]).toEqual([false, 8 - gathered]);
    }
    rest.look(8, true);
    expect([await hasEnded(over), source.gathers]).toEqual([true, false]);
  });

  it('ends when a front that was answered has nothing more to do', async () => {
    const rest = new Rest();
    const [busy, idle] = [front(), front()];
    rest.expect(busy.link, 5);
    rest.expect(idle.link, 1);
    const over = rest.begin(0, true);
    rest.look(0, true);
    expect(await hasEnded(over)).toBe(false);
    idle.source.gathers = false;
    rest.look(0, true);
    expect([await hasEnded(over), busy.source.gathers]).toEqual([true, false]);
  });

  it('is not taken by a commit that is large enough, but where many were answered at once', async () => {
    const [single, bulk] = [front(), front()];
    const rest = new Rest();
    rest.expect(single.link, 100);
    expect(rest.begin(40, true)).toBeNull();
    expect(single.source.gathers).toBe(false);
    rest.expect(bulk.link, 1_000);
    const over = rest.begin(200, true);
    rest.look(1_199, true);
    expect(await hasEnded(over)).toBe(false);
    rest.look(1_200, true);
    expect(await hasEnded(over)).toBe(true);
  });

  it('ends when a front that was answered is gone', async () => {
    const { link } = front();
    const rest = new Rest();
    rest.expect(link, 5);
    const over = rest.begin(0, true);
    link.close();
    rest.look(0, true);
    expect(await hasEnded(over)).toBe(true);
  });

  it('does not begin where nobody was answered, or where everybody has been heard', () => {
    const { link, source } = front();
    const rest = new Rest();
    expect(rest.begin(4, true)).toBeNull();
    rest.expect(link, 2);
    source.gathers = false;
    expect(rest.begin(0, true)).toBeNull();
  });

  it('needs half of them only where no other shard commits', async () => {
    const { link, source } = front();
    const rest = new Rest();
    rest.expect(link, 8);
    const over = rest.begin(2, true);
    rest.look(5, true);
    expect([await hasEnded(over), source.wanted]).toEqual([false, 5]);
    rest.look(5, false);
    expect([await hasEnded(over), source.wanted]).toEqual([false, 1]);
    rest.look(6, false);
    expect(await hasEnded(over)).toBe(true);
  });

  it('of one shard leaves that of another to go on', async () => {
    const { link, source } = front();
    const [one, other] = [new Rest(), new Rest()];
    one.expect(link, 1);
    other.expect(link, 2);
    const [oneIsOver, otherIsOver] = [one.begin(0, true), other.begin(0, true)];
    one.look(1, true);
    other.look(1, true);
    expect([await hasEnded(oneIsOver), await hasEnded(otherIsOver), source.gathers]).toEqual([true, false, true]);
    other.look(2, true);
    expect([await hasEnded(otherIsOver), source.gathers]).toEqual([true, false]);
  });
});
