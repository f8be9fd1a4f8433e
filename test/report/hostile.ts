import fc from 'fast-check';
import { anyCharacter } from '../helpers/any-character.ts';

/** Texts that mean something to a format that must only show them. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '<!-- ',
  '[a](javascript:b)',
  '![a](http://x.example/y)',
  '@someone',
  'a@b.example',
  'see #12',
  '## heading ##',
  '--- ',
  '1. item',
  '- item',
  '| cell |',
  '`code`',
  '``',
  '**b** _i_ ~~s~~',
  'www.x.example',
  'http://x.example',
  '::set-output name=a::b',
  '::error::x',
  '%0A%25',
  ']]>',
  '&lt;&amp;',
  '\u001b[31mred',
  '\u202eevil',
  'a\nb\r\nc',
  '\u0000\u0008',
  '\ud800',
  '\\',
  '$(x) `x` $x',
  '[^1]: note',
  '    indented',
  '> quote',
  ':name',
] as const;

/** Any text, hostile pieces often among it. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: anyCharacter, maxLength: 12 }),
      fc.string({ maxLength: 90 }),
    ),
    {
      maxLength: 5,
    },
  )
  .map((parts) => parts.join(' '));
