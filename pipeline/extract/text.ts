/** A file's text, and the encoding that it was read with. */
export type Text = { readonly text: string; readonly encoding: 'utf-8' | 'latin1' };

/**
 * Bytes to text: UTF-8 where they are valid UTF-8 (a byte order mark is dropped), else ISO 8859-1, in which every byte
 * is a character. Some published files are not valid UTF-8 (the README of 1.0.03), and their facts are ASCII.
 */
export function decodeText(bytes: Uint8Array): Text {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' };
  } catch {
    return {
      text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
      encoding: 'latin1',
    };
  }
}

/** The notes that reading a text with this encoding deserves: none for UTF-8. */
export function encodingNotes(file: string, { encoding }: Text): readonly string[] {
  return encoding === 'utf-8' ? [] : [`${file} is not valid UTF-8 and was read as ISO 8859-1.`];
}
