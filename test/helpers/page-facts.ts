import { pageScript } from '../../pipeline/cases/context.ts';
import { everyReview, type PageFacts } from '../../pipeline/cases/page-facts.ts';
import { type ClassedRelease, classify } from '../../pipeline/model/class.ts';
import type { Knowledge } from '../../pipeline/model/knowledge.ts';
import type { LookupEntry, ModuleRelease } from '../../pipeline/model/module.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from './run.ts';

const ALL = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
const SOURCE = { repository: 'example/module', revision: 'a'.repeat(40), path: 'tables.c', blob: null };

function entry(slot: number, leaf: number, subleaf: number | null, extra: Partial<LookupEntry> = {}): LookupEntry {
  return {
    slot,
    leaf,
    subleaf,
    line: 10 * slot + 1,
    faulting: false,
    verifyMask: {},
    verifyValue: {},
    verifySame: {},
    fixed0OrDynamic: ALL,
    fixed1: {},
    ...extra,
  };
}

function releaseOf(name: string, lookup: readonly LookupEntry[], allowed: number, note: string): ClassedRelease {
  const module: ModuleRelease = {
    release: name,
    source: { ...SOURCE, licence: 'MIT' },
    alsoRead: [],
    spreadsheetFormat: 10,
    lookup,
    configurable: [
      { slot: 0, leaf: 7, subleaf: 1, configDirect: { ebx: 0xf }, allowDirect: { eax: allowed } },
      { slot: 1, leaf: 9, subleaf: null, configDirect: { eax: allowed }, allowDirect: {} },
    ],
    xfamMasks: [{ leaf: 7, subleaf: 1, bits: new Map([[15, { eax: 0x80 }]]) }],
    fixed0Leaves: name === 'old' ? [0xa] : [],
    attributes: { fixed0: 0x10000000n, fixed1: 0n },
    xfam: { fixed0: 0x7n, fixed1: 0x3n },
    features0: name === 'old' ? null : 0x3n,
    features0Conditional: [],
    featureNames: new Map(),
    mrseam: null,
    cpuidFlags: null,
    notes: [note],
  };
  return { module, registers: classify(module) };
}

function policyOf(version: string, generation: Policy['generation'], note: string): Policy {
  const at = { leaf: 7, subleaf: 1, register: 'eax', path: 'tdx.c' } as const;
  return {
    version,
    source: { ...SOURCE, repository: 'example/linux', path: 'tdx.c' },
    generation,
    deny: generation === 'denylist' ? [{ ...at, mask: 0x20, line: 5 }] : [],
    allow: generation === 'allowlist' ? [{ ...at, mask: 0x1, line: 6 }] : [],
    adds: [],
    attributes: 0n,
    xfam: 0x7n,
    restores: [],
    base: { release: 'old', because: note },
    configLimit: 128,
    known: [],
    notes: [note],
  };
}

/**
 * Three releases with bits of every class and two KVM versions, so that every class and verdict is there. `text` stands in
 * every place that a source fills.
 */
export function pageFacts(text = 'plain'): PageFacts {
  const old = [entry(0, 7, 1, { fixed1: { edx: 0x3 } }), entry(1, 8, null, { faulting: true })];
  const now = [...old, entry(2, 9, null), entry(3, 0xa, null, { fixed0OrDynamic: {} })];
  const releases = [
    releaseOf('old', old, 0x1, text),
    releaseOf('new', now, 0xff, text),
    releaseOf(`next ${text}`, now, 0xf7, text),
  ];
  const policies = [policyOf('6.1', 'denylist', text), policyOf(`7.0 ${text}`, 'allowlist', text)];
  const place = { leaf: 7, subleaf: 1, register: 'eax' } as const;
  const row = {
    feature: text,
    kind: 'clobber',
    bits: [{ ...place, mask: 0x2 }],
    attributes: [],
    xfam: [15],
    msrs: [text],
    source: text,
    line: 3,
  } as const;
  const functional = { ...row, kind: 'functional', bits: [{ ...place, mask: 0x4 }], xfam: [], line: 4 } as const;
  const knowledge: Knowledge = {
    required: [],
    staticRegisters: [],
    clobbers: [row, functional],
    names: [
      { ...place, high: 1, low: 1, name: 'ALPHA' },
      { ...place, high: 2, low: 2, name: text },
      { ...place, register: 'edx', high: 0, low: 0, name: 'OMEGA' },
    ],
    levels: [],
  };
  const specs: Specs = {
    directory: '',
    releases,
    deciders: new Map(),
    unexamined: new Map(),
    known: [unknownRelease(`nex ${text}`)],
    lineage: [],
    policies,
    partial: [],
    qemu: [],
    cpuid2: { questions: [], kernels: [] },
    knowledge,
    clobbers: [],
    registers: [],
    decisions: [],
    waivers: [],
    sources: [
      {
        name: 'm',
        kind: 'module',
        url: 'https://github.com/example/module',
        repository: 'example/module',
        licence: 'MIT',
      },
    ],
  };
  return {
    script: pageScript({ home: ROOT }),
    today: '2026-11-21',
    specs,
    reviews: everyReview(specs, '2026-11-21'),
    discussions: {
      archives: [{ name: text, upTo: text }],
      searched: 3,
      unread: 1,
      bits: [
        {
          ...place,
          bit: 1,
          threads: [
            {
              mail: {
                id: text,
                date: '2026-06-18',
                author: text,
                subject: text,
                lists: [text],
                url: 'https://lists.example/1',
              },
              others: 2,
            },
          ],
          more: 4,
        },
      ],
    },
    first: { from: 'old', to: 'new', kvm: '6.1' },
  };
}
