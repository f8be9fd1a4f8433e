/**
 * What the page's script reads: masks instead of bits, indexes instead of repeated texts. All texts are neutralised before
 * they come here; the script shows them as text only.
 */
export type PageData = {
  readonly schema: 'bitwatch.page/1';
  readonly title: string;
  /** What the page shows first: indexes of releases and of a KVM version, -1 where there is none. */
  readonly first: { readonly from: number; readonly to: number; readonly kvm: number };
  readonly base: string;
  readonly classes: readonly PageWord[];
  readonly verdicts: readonly PageWord[];
  readonly releases: readonly PageRelease[];
  /** All releases that are known, in order: those read by index, the others with the reason why not. */
  readonly axis: readonly { readonly name: string; readonly release: number; readonly reason: string }[];
  readonly policies: readonly PagePolicy[];
  readonly leaves: readonly string[];
  readonly rows: readonly PageRow[];
  readonly gates: readonly string[];
  readonly hosts: readonly PageHost[];
  /** Where something was read: a text, an address to it or the empty text, and what goes before a line there. */
  readonly sources: readonly PageSource[];
  readonly sections: readonly PageSection[];
  readonly rules: readonly string[];
  readonly texts: readonly string[];
  readonly findings: readonly PageFinding[];
  readonly counts: PageCounts;
  readonly discussions: PageDiscussions | null;
  readonly coverage: readonly string[];
};

export type PageWord = { readonly sign: string; readonly name: string; readonly says: string };
export type PageSource = { readonly text: string; readonly url: string; readonly lineMark: string };
/** Evidence: a source and a 1-based line, 0 where it is not known. */
export type PageEvidence = readonly [source: number, line: number];

export type PageRelease = {
  readonly name: string;
  readonly source: number;
  /** The line of each leaf's entry, in the order of `leaves`; 0 where it is not known. */
  readonly lines: readonly number[];
  readonly notes: readonly string[];
  /** Masks in hex and the names of their bits; null where the release's value is not known. */
  readonly controls: readonly PageControl[];
  /** Leaves that are not in the release's table and read as 0 instead of #VE. */
  readonly zeroLeaves: readonly string[];
};
export type PageControl = {
  readonly name: string;
  readonly mask: string | null;
  readonly bits: readonly (readonly [bit: number, name: string])[];
};

export type PagePolicy = {
  readonly name: string;
  readonly generation: string;
  readonly source: number;
  readonly notes: readonly string[];
};

export type Parts = readonly (readonly [index: number, mask: number])[];

/** One register of a leaf over all releases. */
export type PageRow = {
  readonly leaf: number;
  readonly place: string;
  readonly names: readonly (readonly [high: number, low: number, text: number])[];
  readonly states: readonly PageState[];
  /** Per release an index into `states`; -1 where the leaf is absent. */
  readonly per: readonly number[];
  readonly verdictStates: readonly Parts[];
  /** Per KVM version and release an index into `verdictStates`; -1 where nothing is judged. */
  readonly verdicts: readonly (readonly number[])[];
  readonly hosts: Parts;
  /** Per KVM version where its list names bits of the register. */
  readonly listed: readonly (readonly { readonly mask: number; readonly list: string; readonly at: PageEvidence }[])[];
};

export type PageState = {
  readonly classes: Parts;
  readonly gates: Parts;
  /** The parts of fixed-1 and fixed-0 that rest on the platform check at the module's start. */
  readonly verified: number;
  readonly dynamic: number;
};

/** What `specs/clobbers.md` says of a feature. */
export type PageHost = {
  readonly feature: string;
  readonly kind: 'clobber' | 'handled' | 'functional' | 'harmless';
  /** What the row rests on. */
  readonly why: string;
  /** Gates that open it, such as `xfam:15`. */
  readonly gates: readonly number[];
  readonly msrs: readonly {
    readonly msr: string;
    readonly exits: readonly string[];
    readonly restored: readonly boolean[];
  }[];
  readonly at: string;
};

export type PageSection = {
  readonly title: string;
  readonly summary: string;
  readonly command: string;
  readonly notes: readonly string[];
};

export type PageFinding = {
  readonly section: number;
  readonly rule: number;
  readonly level: 'info' | 'warning' | 'error';
  /** -1 where the finding is not about a register. */
  readonly row: number;
  readonly mask: number;
  readonly headline: number;
  readonly because: number;
  readonly todo: number;
  readonly evidence: readonly PageEvidence[];
  readonly waived: number;
  readonly fingerprint: string;
};

/** Bits per release; those of a verdict per KVM version and release. */
export type PageCounts = {
  readonly configurable: readonly number[];
  readonly fixed1: readonly number[];
  readonly exposed: readonly (readonly number[])[];
  readonly denied: readonly (readonly number[])[];
};

/** Threads that name bits; a mail once for all its bits. */
export type PageDiscussions = {
  /** What was searched, as a sentence. */
  readonly searched: string;
  readonly mails: readonly { readonly title: string; readonly url: string }[];
  readonly bits: readonly {
    readonly row: number;
    readonly bit: number;
    /** An index into `mails`, and how many more mails of the thread name the bit. */
    readonly threads: readonly (readonly [mail: number, others: number])[];
    readonly more: number;
  }[];
};
