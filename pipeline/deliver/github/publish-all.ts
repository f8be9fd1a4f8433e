import type { Client } from './client.ts';
import { ForgeError, isProblem } from './forge-error.ts';
import type { Item, Posting, Postings } from './postings.ts';

/** What became of an item, or would. */
export type Outcome = {
  readonly key: string;
  readonly action: 'created' | 'updated' | 'unchanged' | 'left' | 'failed' | 'withdrawn';
  readonly number: number | null;
  readonly comment: number | null;
  readonly url: string;
  /** Why it was left or failed. */
  readonly why: string | null;
};

type Hint = { readonly number: number; readonly comment: number | null };

export type PublishRequest = {
  readonly items: readonly Item[];
  /** Where a state file says an item is. */
  readonly hints: ReadonlyMap<string, Hint>;
  /** Nothing is written. */
  readonly isDry: boolean;
  /** Keys that an earlier run began to post and never recorded: it was ended, and lists may lag. */
  readonly begun: ReadonlySet<string>;
  /** Told before a posting is made. */
  readonly begin: (key: string) => void;
  /** Told of each posting that stands on the forge, as soon as that is known. */
  readonly record: (posting: Posting) => Promise<void>;
};

/** How long a new posting may be missing from lists: the waits between looks, in milliseconds. */
const LOOKS = [1000, 3000, 9000, 27_000] as const;
const CREATIONS = 3;
const SETTLING = 1000;

/** What became of all items, and what ended the run early or kept it from looking for doubles. */
export type Publication = { readonly outcomes: readonly Outcome[]; readonly trouble: ForgeError | null };

/**
 * Makes each item stand once: found by its mark it is updated where its hash differs, else it is made. What other runs made
 * twice is taken away, the first stays. A problem with one item does not keep back others; one with the forge ends the run
 * and says what is left.
 */
export async function publishAll(client: Client, postings: Postings, request: PublishRequest): Promise<Publication> {
  const outcomes: Outcome[] = [];
  let found = await postings.list();
  let trouble: ForgeError | null = null;
  let hasWritten = false;
  for (const item of request.items) {
    if (trouble !== null) {
      outcomes.push(outcomeOf(item.key, 'left', null, 'not tried'));
      continue;
    }
    try {
      // A run takes a second for each write: what another made in the meantime is seen before this one makes it too.
      if (hasWritten && firstOf(found, item.key) === null) found = await postings.list();
      const outcome = await publishOne({ client, postings, request }, found, item);
      hasWritten ||= outcome.action === 'created' && !request.isDry;
      outcomes.push(outcome);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      outcomes.push(outcomeOf(item.key, 'failed', null, error.message));
      if (!isProblem(error, 'rejected', 'gone', 'missing')) trouble = error;
    }
  }
  if (request.isDry || trouble !== null) return { outcomes, trouble };
  try {
    if (hasWritten) await client.pause(SETTLING, 'looking whether another run posted the same');
    for (const outcome of await settle(postings, request, hasWritten ? await postings.list() : found))
      outcomes.push(outcome);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    trouble = error;
  }
  return { outcomes, trouble };
}

type Run = { readonly client: Client; readonly postings: Postings; readonly request: PublishRequest };

async function publishOne(run: Run, found: readonly Posting[], item: Item): Promise<Outcome> {
  const { client, postings, request } = run;
  const { known, note } = await standing(run, found, item.key);
  if (known === 'gone') {
    const why = `${request.hints.get(item.key)?.number} was deleted; remove its entry from the state to post again`;
    return outcomeOf(item.key, 'left', null, why);
  }
  const posting = known?.mark.key === item.key ? known : null;
  if (posting !== null && posting.mark.hash === item.hash) {
    if (!request.isDry) await request.record(posting);
    return outcomeOf(item.key, 'unchanged', posting, note === LATE ? LATE : null);
  }
  if (posting === null && item.isUpdateOnly === true) return outcomeOf(item.key, 'unchanged', null, 'nothing to say');
  const action = posting === null ? 'created' : 'updated';
  if (request.isDry) return outcomeOf(item.key, action, posting);
  if (posting === null) request.begin(item.key);
  const now = posting === null ? await createOnce(client, postings, item) : await postings.update(posting, item);
  await request.record(now);
  return outcomeOf(item.key, action, now, note);
}

/** What stands under a key, by its mark or by what a state file says, and what there is to say of an earlier run that was ended. */
async function standing(
  { client, postings, request }: Run,
  found: readonly Posting[],
  key: string,
): Promise<{ readonly known: Posting | 'gone' | null; readonly note: string | null }> {
  const listed = firstOf(found, key);
  const interrupted = listed === null && !request.isDry && request.begun.has(key);
  const late = interrupted ? await lookFor(client, postings, key) : null;
  const hint = request.hints.get(key);
  const known = listed ?? late ?? (hint === undefined ? null : await postings.look(hint));
  return { known, note: late !== null ? LATE : interrupted ? TWICE : null };
}

const LATE = 'made by a run that was ended before it took it down';
const TWICE =
  'a run was ended while it posted this, and 40 s later no list had it: look whether it stands twice, the next run closes the second';

/** Looks again and again for what an ended run may have made, as long as a list may lag. */
async function lookFor(client: Client, postings: Postings, key: string): Promise<Posting | null> {
  for (const wait of LOOKS) {
    await client.pause(wait, `${key}: an earlier run was ended while it posted this; looking whether it was made`);
    const made = firstOf(await postings.list(), key);
    if (made !== null) return made;
  }
  return null;
}

/** Makes an item; after a failure that leaves open whether it was made, looks for it before it tries again. */
async function createOnce(client: Client, postings: Postings, item: Item): Promise<Posting> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await postings.create(item);
    } catch (error) {
      if (!isProblem(error, 'uncertain')) throw error;
      for (const wait of LOOKS) {
        await client.pause(wait, `${error.message}; looking whether it was made`);
        const made = firstOf(await postings.list(), item.key);
        if (made !== null) return made.mark.hash === item.hash ? made : await postings.update(made, item);
      }
      if (attempt === CREATIONS)
        throw new ForgeError('unavailable', `${error.message}; not made after ${CREATIONS} attempts`);
    }
  }
}

/** Takes away what stands twice: the first made stays, whichever run looks. */
async function settle(
  postings: Postings,
  request: PublishRequest,
  found: readonly Posting[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const item of request.items) {
    const first = firstOf(found, item.key);
    if (first === null) continue;
    for (const second of found.filter(({ mark }) => mark.key === item.key)) {
      if (second === first) continue;
      await postings.withdraw(second, first);
      await request.record(first);
      outcomes.push(outcomeOf(item.key, 'withdrawn', second, `made twice; the first stays`));
    }
  }
  return outcomes;
}

const firstOf = (found: readonly Posting[], key: string): Posting | null =>
  found.find(({ mark }) => mark.key === key) ?? null;

const outcomeOf = (
  key: string,
  action: Outcome['action'],
  posting: Posting | null,
  why: string | null = null,
): Outcome => ({
  key,
  action,
  number: posting?.number ?? null,
  comment: posting?.comment ?? null,
  url: posting?.url ?? '',
  why,
});
