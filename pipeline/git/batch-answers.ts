/** What `git cat-file --batch` answers to one question. */
export type Answer =
  | { readonly kind: 'object'; readonly oid: string; readonly type: string; readonly bytes: Buffer }
  | { readonly kind: 'large'; readonly oid: string; readonly size: number }
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'submodule' }
  | { readonly kind: 'damaged'; readonly line: string };

/** Source files are text of moderate size; anything beyond is not what the extractors read. */
export const MAX_BLOB = 64 * 1024 * 1024;

type Header = { readonly oid: string; readonly type: string; readonly size: number };

/**
 * Parses `<oid> <type> <size>\n<bytes>\n` and `<name> missing\n` from chunks of any size. An object beyond the limit is
 * passed over without being kept, so that the answers after it stay in step. The bytes of an object are a view of the chunk
 * that they came in.
 */
export function batchParser(emit: (answer: Answer) => void, limit = MAX_BLOB): (chunk: Buffer) => void {
  const queue = chunkQueue();
  let header: Header | null = null;
  let passing = 0;
  return (chunk) => {
    queue.push(chunk);
    for (;;) {
      if (passing > 0) {
        passing -= queue.take(Math.min(passing, queue.size())).length;
        if (passing > 0) return;
      }
      if (header === null) {
        const line = queue.line();
        if (line === null) return;
        header = headerOf(line);
        if (header === null) emit(answerOf(line));
        else if (header.size > limit) {
          emit({ kind: 'large', oid: header.oid, size: header.size });
          passing = header.size + 1;
          header = null;
        }
        continue;
      }
      if (queue.size() < header.size + 1) return;
      const { oid, type, size } = header;
      header = null;
      const bytes = queue.take(size);
      queue.take(1);
      emit({ kind: 'object', oid, type, bytes });
    }
  };
}

function headerOf(line: string): Header | null {
  const match = /^([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (\d+)$/.exec(line);
  return match === null ? null : { oid: match[1] ?? '', type: match[2] ?? '', size: Number(match[3]) };
}

/** git repeats the question before the word, and a question may hold blanks. */
function answerOf(line: string): Answer {
  if (line.endsWith(' missing')) return { kind: 'missing', name: line.slice(0, -' missing'.length) };
  if (line.endsWith(' ambiguous')) return { kind: 'ambiguous' };
  if (line.endsWith(' submodule')) return { kind: 'submodule' };
  return { kind: 'damaged', line };
}

/** Bytes that came in chunks, taken off the front without joining what is not needed yet. */
function chunkQueue() {
  let chunks: Buffer[] = [];
  let length = 0;
  const take = (wanted: number): Buffer => {
    const parts: Buffer[] = [];
    let left = wanted;
    while (left > 0) {
      const [first] = chunks;
      if (first === undefined) break;
      if (first.length > left) chunks[0] = first.subarray(left);
      else chunks = chunks.slice(1);
      parts.push(first.subarray(0, left));
      left -= Math.min(left, first.length);
    }
    length -= wanted - left;
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  };
  const line = (): string | null => {
    let before = 0;
    for (const chunk of chunks) {
      const end = chunk.indexOf(0x0a);
      if (end !== -1)
        return take(before + end + 1)
          .toString('utf8')
          .slice(0, -1);
      before += chunk.length;
    }
    return null;
  };
  return {
    push: (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
    },
    size: () => length,
    take,
    line,
  };
}
