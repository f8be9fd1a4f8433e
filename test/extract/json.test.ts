import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonPath, parseJson } from '../../pipeline/extract/json.ts';
import { KnownError } from '../../pipeline/model/errors.ts';
import { anyCharacter } from '../helpers/any-character.ts';

describe('parseJson', () => {
  test('gives what JSON.parse gives for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: anyCharacter }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJson('a', text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('accepts no text that JSON.parse refuses', () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      '-',
      '0',
      '.',
      'e',
      'true',
      'nul',
      ' ',
      '\\',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        try {
          parseJson('a', text);
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
          return;
        }
        expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{"a": 1,\n "a": 2}', 'a:2:2: expected the key "a" once in its object'],
    ['[1, 2', 'a:1:6: expected , or ], found the end of the file'],
    ['{"a" 1}', 'a:1:6: expected :, found'],
    ['[1] 2', 'a:1:5: expected nothing after the value'],
    ['', 'a:1:1: expected a JSON value, found the end of the file'],
    ['['.repeat(1000), 'expected at most 64 levels'],
    [`"${'a'.repeat(1 << 20)}`, 'a:1:1: expected a JSON value'],
    ['"tab\there"', 'expected a JSON value'],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parseJson('a', text)).toThrow(message);
  });

  test('keeps a key named __proto__ as data', () => {
    expect(Object.entries(parseJson('a', '{"__proto__": 1}') as object)).toEqual([['__proto__', 1]]);
  });

  test('a path quotes what is no name', () => {
    expect(jsonPath(['a', 0, 'b', 'c d'])).toBe('a[0].b["c d"]');
  });
});
