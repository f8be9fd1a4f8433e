import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listEvents } from '../../pipeline/archive/events.ts';
import { tipOf } from '../../pipeline/archive/git-part.ts';
import { type Extent, makeArena } from '../../pipeline/archive/pack/arena.ts';
import { applyDelta, readDeltaHead } from '../../pipeline/archive/pack/delta.ts';
import { readPackIndex } from '../../pipeline/archive/pack/index-file.ts';
import { inflateAnew, makeInflater } from '../../pipeline/archive/pack/inflate.ts';
import { openStore } from '../../pipeline/archive/pack/store.ts';
import { append, git, mailText, makeInbox } from './inbox.ts';

const LIMIT = 1 << 20;
let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bitwatch-pack-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const oidOf = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** Mails that grow by a line each: every one is a delta of another when they are packed. */
function series(count: number): readonly Buffer[] {
  const lines = Array.from(
    { length: 40 },
    (_, at) => `line ${at} ${createHash('md5').update(`${at}`).digest('hex')}\n`,
  );
  return Array.from({ length: count }, (_, at) =>
    Buffer.from(mailText(`${at}@x`, `Part ${at}`, '', [...lines, ...lines.slice(0, at), `end ${at}\n`].join(''))),
  );
}

function packed(name: string, mails: readonly Buffer[]): string {
  const dir = makeInbox(
    root,
    name,
    mails.map((mail) => ({ mail })),
  );
  git(dir, '-c', 'pack.threads=1', 'repack', '-adfq', '--depth=50', '--window=50');
  return dir;
}

function readAll(dir: string, oids: readonly string[]): { read: Map<string, Buffer>; left: readonly string[] } {
  const read = new Map<string, Buffer>();
  const left = openStore(dir, LIMIT).read(oids, (oid, bytes) => read.set(oid, Buffer.from(bytes)));
  return { read, left };
}

const packFile = (dir: string, ending: string): string => {
  const folder = join(dir, 'objects', 'pack');
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith(ending)) ?? '');
  chmodSync(path, 0o644);
  return path;
};

describe('a store', () => {
  test('reads all blobs of a pack, chains of deltas too, byte for byte', () => {
    const mails = [...series(60), Buffer.alloc(0), Buffer.from([0, 0xff, 0x80])];
    const dir = packed('chains.git', mails);
    const types = git(dir, 'cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(deltabase)');
    expect(types.split('\n').filter((line) => /^blob (?!0+$)/.test(line)).length).toBeGreaterThan(30);
    const oids = mails.map(oidOf);
    const { read, left } = readAll(dir, oids.toReversed());
    expect(left).toEqual([]);
    expect(oids.map((oid) => read.get(oid))).toEqual(mails);
  });

  test('reads several packs, and leaves to git what stands in none', () => {
    const [one, two, loose] = [mailText('1@x', 'One'), mailText('2@x', 'Two'), mailText('3@x', 'Three')].map((text) =>
      Buffer.from(text),
    ) as [Buffer, Buffer, Buffer];
    const dir = packed('several.git', [one]);
    append(dir, [{ mail: two }]);
    git(dir, 'repack', '-dq');
    execFileSync('git', [`--git-dir=${dir}`, 'hash-object', '-w', '--stdin'], { input: loose });
    const commit = git(dir, 'rev-parse', 'HEAD');
    const strange = ['f'.repeat(40), 'ab'.repeat(32), 'no id', ''];
    const { read, left } = readAll(dir, [oidOf(one), oidOf(two), oidOf(loose), commit, ...strange]);
    expect([...read.values()].map(String).sort()).toEqual([one, two].map(String).sort());
    expect([...left].sort()).toEqual([oidOf(loose), commit, ...strange].sort());
  });

  test('leaves a blob over the limit, and all where there is no pack', () => {
    const large = Buffer.alloc(LIMIT + 1, 'x');
    expect(readAll(packed('large.git', [large]), [oidOf(large)]).left).toEqual([oidOf(large)]);
    expect(readAll(join(root, 'nowhere'), [oidOf(large)]).left).toEqual([oidOf(large)]);
  });

  test('a pack that another index belongs to is left', () => {
    const mails = series(3);
    const dir = packed('other.git', mails);
    const index = packFile(dir, '.idx');
    const bytes = readFileSync(index);
    bytes.writeUInt8((bytes.at(-21) ?? 0) ^ 1, bytes.length - 21);
    writeFileSync(index, bytes);
    expect(readAll(dir, mails.map(oidOf)).left).toHaveLength(3);
  });

  test('damage in a pack never gives other bytes: a blob is right, or left for git', () => {
    const mails = series(20);
    const oids = mails.map(oidOf);
    const dir = packed('damaged.git', mails);
    const path = packFile(dir, '.pack');
    const whole = readFileSync(path);
    const damage = fc.record({
      at: fc.integer({ min: 12, max: whole.length - 21 }),
      bit: fc.integer({ min: 0, max: 7 }),
    });
    fc.assert(
      fc.property(damage, ({ at, bit }) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << bit), at);
        writeFileSync(path, bytes);
        const { read, left } = readAll(dir, oids);
        expect(read.size + left.length).toBe(oids.length);
        for (const [oid, content] of read) expect(oidOf(content)).toBe(oid);
      }),
      { numRuns: 100 },
    );
    writeFileSync(path, whole.subarray(0, whole.length >> 1));
    expect(readAll(dir, oids).left).toHaveLength(oids.length);
  });
});

describe('an index', () => {
  test('any bytes give an index or none, and offsets or -1', () => {
    const dir = packed('index.git', series(5));
    const whole = readFileSync(packFile(dir, '.idx'));
    expect(readPackIndex(whole)).not.toBeNull();
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(
        damage,
        fc.nat(whole.length),
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        (changes, cut, oid) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes.writeUInt8(value, at);
          for (const each of [bytes, bytes.subarray(0, cut)]) {
            expect(readPackIndex(each)?.find(Buffer.from(oid)) ?? -1).toBeGreaterThanOrEqual(-1);
          }
        },
      ),
    );
  });
});

test('streams are inflated by one state as zlib inflates them one by one', () => {
  const inflaters = [makeInflater(), inflateAnew];
  const change = fc.option(fc.tuple(fc.nat(), fc.nat(7)), { freq: 2 });
  const input = fc.record({
    content: fc.uint8Array({ maxLength: 300 }),
    change,
    cut: fc.option(fc.nat(20)),
    more: fc.integer({ min: -2, max: 2 }),
  });
  fc.assert(
    fc.property(input, ({ content, change: damage, cut, more }) => {
      const stream = deflateSync(content);
      if (damage !== null) {
        const at = damage[0] % stream.length;
        stream.writeUInt8((stream[at] ?? 0) ^ (1 << damage[1]), at);
      }
      const length = Math.max(0, content.length + more);
      const results = inflaters.map((inflate) => {
        const memory = Buffer.alloc(400);
        const done = inflate(stream.subarray(0, stream.length - (cut ?? 0)), memory, { start: 3, length });
        return done ? memory.subarray(0, 3 + length) : null;
      });
      expect(results[0]).toEqual(results[1]);
    }),
    { numRuns: 500 },
  );
});

describe('a delta', () => {
  const base = Buffer.from('0123456789');
  const apply = (delta: readonly number[]): string | null => {
    const bytes = Buffer.from(delta);
    const head = readDeltaHead(bytes);
    if (head === null || head.source !== base.length || head.target > 100) return null;
    const memory = Buffer.concat([base, Buffer.alloc(head.target)]);
    const result = { start: base.length, length: head.target };
    const done = applyDelta(memory, { start: 0, length: base.length }, bytes, head.commands, result);
    return done ? memory.toString('latin1', base.length) : null;
  };

  test.each([
    ['copies and inserts', [10, 7, 0x91, 2, 3, 2, 0x41, 0x42, 0x90, 2], '234AB01'],
    ['a copy past the base', [10, 4, 0x91, 8, 4], null],
    ['a result that is not filled', [10, 5, 0x90, 4], null],
    ['a result that is overfilled', [10, 3, 0x90, 4], null],
    ['an insertion cut short', [10, 4, 4, 0x41], null],
    ['a copy cut short', [10, 4, 0x91, 8], null],
    ['a command that is reserved', [10, 4, 0, 0x90, 4], null],
    ['a delta of another base', [11, 4, 0x90, 4], null],
    ['a size without end', [0x8a], null],
    ['nothing', [], null],
  ] as const)('%s', (_, delta, result) => {
    expect(apply(delta)).toBe(result);
  });

  test('any bytes give a result of the announced size or none, and touch nothing beside it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 40 }), fc.nat(60), (commands, target) => {
        const memory = Buffer.concat([base, Buffer.alloc(target, 'r'), Buffer.from('guard')]);
        applyDelta(memory, { start: 0, length: 10 }, Buffer.from(commands), 0, { start: 10, length: target });
        expect(memory.toString('latin1', 0, 10)).toBe('0123456789');
        expect(memory.toString('latin1', 10 + target)).toBe('guard');
      }),
    );
  });
});

test('an arena keeps what it says it has', () => {
  const step = fc.record({ length: fc.oneof(fc.nat(40), fc.nat(4)), key: fc.nat(30), keep: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const arena = makeArena(100);
      const written = new Map<number, { extent: Extent; byte: number }>();
      steps.forEach(({ length, key, keep }, at) => {
        const kept = arena.find(keep) ?? null;
        const start = arena.reserve(length, kept);
        if (start !== null) {
          if (kept !== null) expect(start >= kept.start + kept.length || start + length <= kept.start).toBe(true);
          arena.memory.fill(at, start, start + length);
          arena.name(key, { start, length });
          written.set(key, { extent: { start, length }, byte: at });
        }
        for (const [name, { extent, byte }] of written) {
          if (arena.find(name) === undefined) continue;
          const content = arena.memory.subarray(extent.start, extent.start + extent.length);
          if (!content.every((each) => each === byte)) throw new Error(`${name} was overwritten`);
        }
      });
    }),
  );
});

const archive = process.env.BITWATCH_ARCHIVE ?? '';
test.skipIf(archive === '')(
  'a real archive (skipped where BITWATCH_ARCHIVE names none): every blob has the hash that names it',
  async () => {
    const events = await listEvents(archive, (await tipOf(archive)) ?? '', null);
    const oids = [...new Set(events.flatMap((event) => (event.kind === 'mail' ? [event.blob] : [])))];
    let right = 0;
    const left = openStore(archive, 32 << 20).read(oids, (oid, bytes) => {
      if (oidOf(bytes) === oid) right += 1;
    });
    expect(right + left.length).toBe(oids.length);
    expect(left.length).toBeLessThan(10);
  },
  300_000,
);
