/** The characters of words, by their codes. */
const IS_WORD = Uint8Array.from({ length: 128 }, (_, code) => (/[\w$]/.test(String.fromCharCode(code)) ? 1 : 0));

/**
 * The words of a text: runs of letters, digits, `_` and `$`, read from the first that is no digit on. No string is made of
 * any of them: a sieve of their hashes answers for most words that are not there, and the text itself for the others.
 */
export class Words {
  readonly #text: string;
  /** A bit and more for each character: a word takes several, so that few others pass. */
  readonly #sieve: Uint32Array;
  readonly #known = new Map<string, boolean>();

  constructor(text: string) {
    this.#text = text;
    this.#sieve = new Uint32Array(2 ** Math.max(0, Math.ceil(Math.log2(text.length + 1)) - 5));
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (IS_WORD[code] === 1 && (hash !== 0 || !isDigit(code))) hash = next(hash, code);
      else if (hash !== 0) {
        this.#add(hash);
        hash = 0;
      }
    }
    if (hash !== 0) this.#add(hash);
  }

  has(word: string): boolean {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    const found = this.#mayHave(word) && standsIn(this.#text, word);
    this.#known.set(word, found);
    return found;
  }

  #add(hash: number): void {
    const at = this.#wordAt(hash);
    this.#sieve[at] = (this.#sieve[at] ?? 0) | (1 << (hash & 31));
  }

  #mayHave(word: string): boolean {
    if (!/^[A-Za-z_$][\w$]*$/.test(word)) return false;
    let hash = 0;
    for (let at = 0; at < word.length; at += 1) hash = next(hash, word.charCodeAt(at));
    return (((this.#sieve[this.#wordAt(hash)] ?? 0) >> (hash & 31)) & 1) === 1;
  }

  #wordAt(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >> 5) & (this.#sieve.length - 1);
  }
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** Never 0, which stands for no word. */
const next = (hash: number, code: number): number => (Math.imul(hash, 31) + code) | 0 || 1;

/** Whether a word stands in a text by itself: what runs into it from the left may be digits only. */
function standsIn(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (IS_WORD[text.charCodeAt(at + word.length)] === 1) continue;
    let before = at - 1;
    while (before >= 0 && isDigit(text.charCodeAt(before))) before -= 1;
    if (before < 0 || IS_WORD[text.charCodeAt(before)] !== 1) return true;
  }
  return false;
}
