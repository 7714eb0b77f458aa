// What a log says may hold characters that hide or turn text around. They are shown as escapes, so that what one reads is what is there.
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** visible returns text with control, bidi and other invisible characters as \u{…}; line feeds and tabs stay where lines is true. */
export function visible(text: string, lines = false): string {
  return text.replace(hidden, (c) =>
    lines && (c === '\n' || c === '\t') ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
